"""The shop window: what members and guests find."""

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from flask import Response, request

from catalog.products.queries import Browse
from catalog.stock import queries as stock
from mall.access.guard import public
from mall.kernel.db import current_direct
from mall.kernel.uow import reading
from mall.web.replies import JSON, shop_window, to_json
from search_index import rules, service
from search_index.schemas import BrowseQuery, ProductDetail, ProductPage

bp = APIBlueprint("shop", __name__, url_prefix="/v1/store/products", tag="Store: shop window")


@bp.get("")
@public
@bp.input(BrowseQuery, location="query")
@bp.output(ProductPage)
@bp.doc(
    summary="Browse and search products on sale",
    description="Every word of `q` must occur. Replies are shared and up to one second old.",
)
def browse(query_data: dict[str, Any]) -> Response:
    def make() -> bytes:
        cursor = query_data.pop("cursor")
        terms = rules.terms(query_data.pop("q"))
        after = rules.decode_cursor(cursor) if cursor else None
        with reading() as session:
            return to_json(service.browse(session, Browse(terms=terms, after=after, **query_data)))

    key = f"browse?{request.query_string.decode('latin-1')}"
    return Response(shop_window.get(key, make), content_type=JSON)


@bp.get("/<uuid:product_id>")
@public
@bp.output(ProductDetail)
@bp.doc(summary="Read a product with its SKUs and what is left; up to one second old")
def read_product(product_id: UUID) -> Response:
    def make() -> bytes:
        return stock.product_detail(current_direct(), product_id)

    return Response(shop_window.get(f"product/{product_id}", make), content_type=JSON)
