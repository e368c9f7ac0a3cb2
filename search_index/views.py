"""The shop window: what members and guests find."""

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from flask import Response, current_app, request

from catalog.products.queries import products
from catalog.products.queries.products import BrowseFilter
from catalog.stock import queries as stock_queries
from mall.access.guard import current_member_id, public
from mall.kernel.db import current_pool
from mall.kernel.uow import reading
from mall.ledger.service import wallet
from mall.web.replies import JSON, shop_window, to_json
from search_index import rules, service
from search_index.language.analysis import analyzer
from search_index.schemas import (
    BrowseQuery,
    ProductDetail,
    ProductPage,
    SuggestionList,
    SuggestionQuery,
)
from search_index.searcher import Searcher
from search_index.words.rules import countable
from search_index.words.schemas import HotWords

bp = APIBlueprint("shop", __name__, url_prefix="/v1/store", tag="Store: shop window")
# What the database answers as well as the index, and faster.
_PLAIN = {"category_id", "supplier_id", "delivery_mode", "min_price_fen", "max_price_fen"}
_ENGINE = "Search-Engine"


def _searcher() -> Searcher:
    searcher: Searcher = current_app.extensions["mall_searcher"]
    return searcher


def _browsed(asked: dict[str, Any], sort: str, cursor: str | None, limit: int) -> bytes:
    after = rules.decode_cursor(cursor) if cursor else None
    plain = {name: asked[name] for name in _PLAIN}
    with reading() as session:
        return to_json(
            service.browse(session, BrowseFilter(sort=sort, after=after, limit=limit, **plain))
        )


def _searched(
    asked: dict[str, Any], sort: str, cursor: str | None, limit: int
) -> tuple[str, bool, bytes]:
    """Return who answered, whether anything was found for what was typed, and the page."""
    place = rules.decode_position(cursor) if cursor else None
    lot_id = asked.pop("lot_id")
    product_ids = None
    if lot_id is not None:
        with reading() as session:
            product_ids = wallet.products_of_lot(session, current_member_id(), lot_id)
    wanted = rules.SearchRequest(sort=sort, product_ids=product_ids, **asked)
    answer = service.search(_searcher(), wanted, place, limit)
    has_hits = bool(answer.body["items"]) and not answer.body["is_corrected"]
    return answer.engine, has_hits, to_json(answer.body)


def _count(text: str, cursor: str | None, has_hits: bool) -> None:
    """Count a search once, by its words alone, when its first page is asked for."""
    words = None if cursor else countable(analyzer().normalise(text))
    if words is not None:
        _searcher().tally.add(words, has_hits)


@bp.get("/products")
@public
@bp.input(BrowseQuery, location="query")
@bp.output(ProductPage)
@bp.doc(
    summary="Browse and search products on sale",
    description=(
        "With `q`, facets or a filter that only the index knows, the index answers and adds "
        "`total`, `highlights`, `facets` and `did_you_mean`; the header `Search-Engine` says "
        "`index`, or `database` where the index was not at hand. `lot_id` needs a member's token. "
        "Replies without it are shared and up to one second old."
    ),
)
def browse(query_data: dict[str, Any]) -> Response:
    asked = dict(query_data)
    cursor, limit, sort = asked.pop("cursor"), asked.pop("limit"), asked.pop("sort")
    asked["text"] = asked.pop("q")
    asked["has_facets"] = asked.pop("facets")
    asked["brands"], asked["attributes"] = tuple(asked.pop("brand")), tuple(asked.pop("attribute"))
    is_plain = not any(value for name, value in asked.items() if name not in _PLAIN)
    is_plain = is_plain and asked["is_pavilion"] is None
    sort = sort or (rules.RELEVANCE if asked["text"].strip() else rules.NEWEST)
    if is_plain and sort in products.SORTS:
        key = f"browse?{request.query_string.decode('latin-1')}"
        body = shop_window.get(key, lambda: _browsed(asked, sort, cursor, limit))
        return Response(body, content_type=JSON)
    if asked["lot_id"] is not None:
        engine, has_hits, body = _searched(asked, sort, cursor, limit)
        _count(asked["text"], cursor, has_hits)
        return Response(body, content_type=JSON, headers={_ENGINE: engine})
    key = f"search?{request.query_string.decode('latin-1')}"

    def make() -> bytes:
        engine, has_hits, found = _searched(asked, sort, cursor, limit)
        return f"{engine} {has_hits:d}\n".encode() + found

    told, _, body = shop_window.get(key, make).partition(b"\n")
    engine, flag = told.decode().split()
    _count(asked["text"], cursor, flag == "1")
    return Response(body, content_type=JSON, headers={_ENGINE: engine})


@bp.get("/products/<uuid:product_id>")
@public
@bp.output(ProductDetail)
@bp.doc(summary="Read a product with its SKUs and what is left; up to one second old")
def read_product(product_id: UUID) -> Response:
    def make() -> bytes:
        return stock_queries.product_detail(current_pool(), product_id)

    return Response(shop_window.get(f"product/{product_id}", make), content_type=JSON)


@bp.get("/search/hot-words")
@public
@bp.output(HotWords)
@bp.doc(summary="What others search for and find, of the last week; up to one minute old")
def hot_words() -> dict[str, Any]:
    return {"items": _searcher().hot_words}


@bp.get("/search/suggestions")
@public
@bp.input(SuggestionQuery, location="query")
@bp.output(SuggestionList)
@bp.doc(summary="Complete what is being typed: Hanzi, pinyin or initials")
def suggest(query_data: dict[str, str]) -> dict[str, Any]:
    return {"items": service.suggest(_searcher(), query_data["q"])}
