"""Search and browse; what the index names is checked against the database before it is shown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
import structlog
from sqlalchemy.orm import Session

from catalog.products.queries import products, searching
from catalog.products.queries.products import Browse
from mall.kernel.db import Direct, current_direct
from mall.kernel.uow import reading
from search_index import matching, rules
from search_index.engine import IndexUnavailable
from search_index.matching import Found
from search_index.rules import Place, Wanted
from search_index.searcher import Searcher
from search_index.snapshot import Snapshot
from search_index.suggest import Suggester
from search_index.words.analysis import analyzer

log = structlog.get_logger(__name__)
INDEX, DATABASE = "index", "database"
MAX_SUGGESTIONS = 10
_EMPTY: dict[str, Any] = {
    "items": [],
    "next_cursor": None,
    "total": None,
    "facets": None,
    "did_you_mean": None,
}


@dataclass(frozen=True)
class Answer:
    """A page of products, and whether the index or the database found them."""

    body: dict[str, Any]
    engine: str


def browse(session: Session, browse: Browse) -> dict[str, Any]:
    """Return a page of products on sale, by the database alone."""
    rows = products.browse_published(session, browse)
    shown = rows[: browse.limit]
    cursor = None
    if len(rows) > browse.limit:
        cursor = rules.encode_cursor(shown[-1].price_fen, shown[-1].id)
    return {"items": [dict(row._mapping) for row in shown], "next_cursor": cursor}


def search(searcher: Searcher, wanted: Wanted, place: Place | None, limit: int) -> Answer:
    """Return a page of what answers a query, with highlights, facets and what was probably meant.

    Where the index does not answer the database does, more plainly, and the index is mended.
    """
    try:
        snapshot, suggester = searcher.current()
        found = _match(snapshot, wanted)
        body = _page(current_direct(), snapshot, found, place, limit)
        body["did_you_mean"] = _meant(suggester, wanted, found)
    except IndexUnavailable:
        log.warning("search_falls_back")
        searcher.give_up()
        with reading() as session:
            return Answer(_plainly(session, wanted, place, limit), DATABASE)
    if wanted.has_facets:
        body["facets"] = _facets(snapshot, found.facets)
    return Answer(body, INDEX)


def _match(snapshot: Snapshot, wanted: Wanted) -> Found:
    try:
        return matching.search(snapshot, analyzer(), wanted)
    except (IndexError, ValueError, TypeError) as error:
        # Postings that lead nowhere: the files are not what was written.
        raise IndexUnavailable() from error


def _page(
    direct: Direct, snapshot: Snapshot, found: Found, place: Place | None, limit: int
) -> dict[str, Any]:
    """Return a page that is full although some of what the index names is not on sale any more."""
    items: list[dict[str, Any]] = []
    at = 0 if place is None else matching.after(snapshot, found, place)
    last = min(len(found.docs), rules.MAX_DEPTH)
    marker = rules.Marker(_marked(found))
    while len(items) < limit and at < last:
        docs = found.docs[at : min(at + limit - len(items) + 5, last)]
        ids = [snapshot.ids[doc] for doc in docs]
        rows = searching.shown_items(direct, [each for each in ids if each is not None])
        for product_id in ids:
            at += 1
            item = rows.get(product_id) if product_id else None
            if item is not None:
                marked = {name: marker.mark(item[name]) for name in ("title", "brief")}
                items.append({**item, "highlights": marked})
            if len(items) == limit:
                break
    return {
        "items": items,
        "next_cursor": _cursor(snapshot, found, at) if at < last else None,
        "total": found.total,
        "facets": None,
    }


def _cursor(snapshot: Snapshot, found: Found, at: int) -> str | None:
    doc = found.docs[at - 1]
    product_id = snapshot.ids[doc]
    if at == 0 or product_id is None:
        return None
    keys = tuple(float(key[at - 1]) for key in found.keys)
    return rules.encode_place(Place(at, product_id, int(snapshot.price[doc]), keys))


def _marked(found: Found) -> list[str]:
    """Return what is marked in names: the words of the query, and what means the same."""
    known = analyzer()
    names = {known.canonical(word) for word in found.words if word in known.synonyms}
    same = [word for word, name in known.synonyms.items() if name in names]
    return [*found.words, *same]


def _meant(suggester: Suggester, wanted: Wanted, found: Found) -> str | None:
    if not found.words or len(found.matched) == len(found.words):
        return None
    runs = analyzer().runs(wanted.text)
    return suggester.correct(list(found.words), runs, set(found.matched))


def _plainly(session: Session, wanted: Wanted, place: Place | None, limit: int) -> dict[str, Any]:
    terms, depth = rules.terms(wanted.text), place.depth if place else 0
    if wanted.text.strip() and not terms:
        # Nothing but signs: no product is called so, and not everything is meant.
        return _EMPTY
    sort = wanted.sort if wanted.sort in products.SORTS else rules.NEWEST
    asked = Browse(
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
        sort=sort,
        after=(place.price_fen, place.product_id) if place else None,
        limit=limit,
    )
    rows = products.browse_published(session, asked)
    cursor = None
    if len(rows) > limit and depth + limit < rules.MAX_DEPTH:
        last = rows[limit - 1]
        cursor = rules.encode_place(Place(depth + limit, last.id, last.price_fen))
    items = [{**row._mapping, "highlights": None} for row in rows[:limit]]
    return {**_EMPTY, "items": items, "next_cursor": cursor}


def _facets(snapshot: Snapshot, facets: Mapping[str, Mapping[str, int]]) -> dict[str, Any]:
    """Give facets the names of what they count, the largest counts first."""
    return {
        facet: [
            {
                "value": _value(facet, key),
                "name": snapshot.names.get(facet, {}).get(key),
                "count": count,
            }
            for key, count in sorted(counts.items(), key=lambda each: (-each[1], each[0]))[
                : rules.MAX_FACET
            ]
        ]
        for facet, counts in facets.items()
    }


def _value(facet: str, key: str) -> str:
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
