"""Search and browse; what the index names is checked against the database before it is shown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
import structlog
from sqlalchemy.orm import Session

from catalog.products.queries import products, searching
from catalog.products.queries.products import BrowseFilter
from mall.kernel.db import AutocommitPool, current_pool
from mall.kernel.uow import reading
from search_index import rules
from search_index.answer import corrections, matching
from search_index.answer.corrections import CorrectedQuery
from search_index.answer.filters import ATTRIBUTE
from search_index.answer.lists import ResultList
from search_index.answer.matching import Matches
from search_index.answer.suggest import Suggester
from search_index.engines import IndexUnavailable
from search_index.language.analysis import analyzer
from search_index.rules import ListPosition, SearchRequest
from search_index.searcher import Searcher
from search_index.snapshots import Snapshot
from search_index.words.rules import OperatorRules

log = structlog.get_logger(__name__)
INDEX, DATABASE = "index", "database"
MAX_SUGGESTIONS = 10
_EMPTY: dict[str, Any] = {
    "items": [],
    "next_cursor": None,
    "total": None,
    "facets": None,
    "did_you_mean": None,
    "is_corrected": False,
}


@dataclass(frozen=True)
class Answer:
    """A page of products, and whether the index or the database found them."""

    body: dict[str, Any]
    engine: str


def browse(session: Session, browse: BrowseFilter) -> dict[str, Any]:
    """Return a page of products on sale, by the database alone."""
    rows = products.browse_published(session, browse)
    shown = rows[: browse.limit]
    cursor = None
    if len(rows) > browse.limit:
        cursor = rules.encode_cursor(shown[-1].price_fen, shown[-1].id)
    return {"items": [dict(row._mapping) for row in shown], "next_cursor": cursor}


def search(
    searcher: Searcher, wanted: SearchRequest, place: ListPosition | None, limit: int
) -> Answer:
    """Return a page of what answers a query, with highlights, facets and what was probably meant.

    Where the index does not answer the database does, more plainly, and the index is mended.
    """
    try:
        snapshot, suggester = searcher.current()
        found, meant = _match(snapshot, suggester, wanted, searcher.edits)
        shown = meant.found if meant is not None and meant.is_instead else found
        listing = _listing(searcher, snapshot, shown, wanted, place)
        body = _page(current_pool(), listing, limit)
        body["did_you_mean"] = meant.text if meant is not None else None
        body["is_corrected"] = meant is not None and meant.is_instead
    except IndexUnavailable:
        log.warning("search_falls_back")
        searcher.give_up()
        with reading() as session:
            return Answer(_plainly(session, wanted, place, limit), DATABASE)
    if wanted.has_facets:
        body["facets"] = _facets(snapshot, shown.facets, wanted)
    return Answer(body, INDEX)


def _match(
    snapshot: Snapshot, suggester: Suggester, wanted: SearchRequest, edits: OperatorRules
) -> tuple[Matches, CorrectedQuery | None]:
    try:
        return corrections.meant(snapshot, suggester, analyzer(), wanted, edits)
    except (IndexError, ValueError, TypeError) as error:
        # Postings that lead nowhere: the files are not what was written.
        raise IndexUnavailable() from error


@dataclass(frozen=True)
class _Listing:
    """A list of products, how far it was shown, and what is needed to show and to continue it."""

    product_ids: Sequence[UUID]
    at: int
    total: int
    list_key: str
    snapshot: Snapshot
    found: Matches


def _listing(
    searcher: Searcher,
    snapshot: Snapshot,
    found: Matches,
    wanted: SearchRequest,
    place: ListPosition | None,
) -> _Listing:
    """Return the list that was begun, or a new one; a list that is gone continues by its place."""
    if place is not None and place.list_key:
        listed = searcher.lists.find(place.list_key)
        if listed is not None:
            return _Listing(
                listed.product_ids, place.depth, listed.total, place.list_key, snapshot, found
            )
    ids = [snapshot.ids[doc] for doc in found.docs[: rules.MAX_DEPTH]]
    product_ids = tuple(each for each in ids if each is not None)
    key, at = "", 0
    if place is not None:
        at = matching.after(snapshot, found, place)
    elif len(product_ids) > 1:
        question = f"{snapshot.state}|{wanted}"
        key = searcher.lists.keep(question, ResultList(product_ids, found.total))
    return _Listing(product_ids, at, found.total, key, snapshot, found)


def _page(direct: AutocommitPool, listing: _Listing, limit: int) -> dict[str, Any]:
    """Return a page that is full although some of what the list names is not on sale any more."""
    items: list[dict[str, Any]] = []
    at, last = listing.at, len(listing.product_ids)
    marker = rules.Marker(_marked(listing.found))
    while len(items) < limit and at < last:
        ids = listing.product_ids[at : at + limit - len(items) + 5]
        rows = searching.shown_items(direct, list(ids))
        for product_id in ids:
            at += 1
            item = rows.get(product_id)
            if item is not None:
                marked = {name: marker.mark(item[name]) for name in ("title", "brief")}
                items.append({**item, "highlights": marked})
            if len(items) == limit:
                break
    return {
        "items": items,
        "next_cursor": _cursor(listing, at) if 0 < at < last else None,
        "total": listing.total,
        "facets": None,
    }


def _cursor(listing: _Listing, at: int) -> str:
    snapshot, found = listing.snapshot, listing.found
    product_id = listing.product_ids[at - 1]
    # Where the product stands in the newest order, should the list be gone by then.
    number = snapshot.number_of.get(product_id, -1)
    place = np.flatnonzero(found.docs == number)
    keys = tuple(float(key[place[0]]) for key in found.keys) if len(place) else ()
    price = int(snapshot.price[number]) if number >= 0 else 0
    return rules.encode_position(ListPosition(at, product_id, price, listing.list_key, keys))


def _marked(found: Matches) -> list[str]:
    """Return what is marked in names: the words of the query, and what means the same."""
    forms = [form for slot in found.question.slots for form, _ in slot.forms]
    return [each for each in (*found.words, *forms) if "|" not in each]


def _plainly(
    session: Session, wanted: SearchRequest, place: ListPosition | None, limit: int
) -> dict[str, Any]:
    terms, depth = rules.terms(wanted.text), place.depth if place else 0
    if wanted.text.strip() and not terms:
        # Nothing but signs: no product is called so, and not everything is meant.
        return _EMPTY
    sort = wanted.sort if wanted.sort in products.SORTS else rules.NEWEST
    asked = BrowseFilter(
        terms=terms,
        category_id=wanted.category_id,
        supplier_id=wanted.supplier_id,
        delivery_mode=wanted.delivery_mode,
        min_price_fen=wanted.min_price_fen,
        max_price_fen=wanted.max_price_fen,
        origin=wanted.origin,
        is_pavilion=wanted.is_pavilion,
        tag=wanted.tag,
        product_ids=wanted.product_ids,
        in_stock=wanted.in_stock,
        brands=wanted.brands,
        attributes=wanted.attributes,
        sort=sort,
        after=(place.price_fen, place.product_id) if place else None,
        limit=limit,
    )
    rows = products.browse_published(session, asked)
    cursor = None
    if len(rows) > limit and depth + limit < rules.MAX_DEPTH:
        last = rows[limit - 1]
        cursor = rules.encode_position(ListPosition(depth + limit, last.id, last.price_fen))
    items = [{**row._mapping, "highlights": None} for row in rows[:limit]]
    return {**_EMPTY, "items": items, "next_cursor": cursor}


def _facets(
    snapshot: Snapshot, facets: Mapping[str, Mapping[str, int]], wanted: SearchRequest
) -> dict[str, Any]:
    """Give facets the names of what they count, the largest counts first, bands by their price."""
    found: dict[str, Any] = {"attributes": []}
    for facet, counts in facets.items():
        chosen = _chosen(facet, wanted)
        shown = _largest(counts, chosen) if facet != "price" else list(counts)
        names = snapshot.names.get(facet, {})
        items = [
            {
                "value": _value(facet, key),
                "name": names.get(key),
                "count": counts.get(key, 0),
                "is_chosen": key in chosen,
            }
            for key in shown
        ]
        if facet.startswith(ATTRIBUTE):
            found["attributes"].append({"name": facet.removeprefix(ATTRIBUTE), "values": items})
        else:
            found[facet] = items
    return found


def _largest(counts: Mapping[str, int], chosen: frozenset[str]) -> list[str]:
    """Return the values that most have, and whatever is chosen."""
    ordered = sorted(counts, key=lambda each: (-counts[each], each))
    return ordered[: rules.MAX_FACET] + sorted(chosen - set(ordered[: rules.MAX_FACET]))


def _chosen(facet: str, wanted: SearchRequest) -> frozenset[str]:
    single: dict[str, str | None] = {
        "category": wanted.category_id.hex if wanted.category_id else None,
        "supplier": wanted.supplier_id.hex if wanted.supplier_id else None,
        "delivery_mode": wanted.delivery_mode,
        "pavilion": "true" if wanted.is_pavilion else None,
        "in_stock": "true" if wanted.in_stock else None,
    }
    if facet == "brand":
        return frozenset(wanted.brands)
    if facet.startswith(ATTRIBUTE):
        name = facet.removeprefix(ATTRIBUTE)
        return frozenset(each for each in wanted.attributes if each.partition(":")[0] == name)
    value = single.get(facet)
    return frozenset([value] if value else [])


def _value(facet: str, key: str) -> str:
    if facet.startswith(ATTRIBUTE):
        return key.partition(":")[2]
    return str(UUID(key)) if facet in ("category", "supplier") else key


def suggest(searcher: Searcher, text: str) -> Sequence[str]:
    """Return completions for what was typed so far; none where the index does not answer.

    Words that no product on sale has any more are left out.
    """
    try:
        snapshot, suggester = searcher.current()
        found = suggester.complete(text[: rules.MAX_QUERY], MAX_SUGGESTIONS * 2)
        return [each for each in found if _is_used(snapshot, each)][:MAX_SUGGESTIONS]
    except IndexUnavailable:
        return []


def _is_used(snapshot: Snapshot, suggestion: str) -> bool:
    word = suggestion.rpartition(" ")[2]
    return any(
        np.any(snapshot.alive[snapshot.docs(name, each)])
        for name in ("title", "keyword", "category")
        for each in analyzer().words(word)[-1:]
    )
