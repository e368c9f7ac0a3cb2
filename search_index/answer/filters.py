"""What filters let through, each by itself: a facet counts under all of them but its own."""

from collections.abc import Mapping
from uuid import UUID

import numpy as np

from catalog.products.rules import DELIVERY_MODES
from search_index.rules import SearchRequest
from search_index.snapshots import Mask, Snapshot

ATTRIBUTE = "attribute:"


def masks(snapshot: Snapshot, wanted: SearchRequest) -> tuple[Mask, dict[str, Mask]]:
    """Return what may be found at all, and by facet what its filter lets through."""
    size = snapshot.size
    base = snapshot.alive.copy()
    if wanted.tag is not None:
        base &= snapshot.tags.having(wanted.tag, size)
    if wanted.product_ids is not None:
        base &= _only(snapshot, wanted.product_ids)
    return base, _chosen(snapshot, wanted)


def _chosen(snapshot: Snapshot, wanted: SearchRequest) -> dict[str, Mask]:
    found: dict[str, Mask] = {}
    if wanted.category_id is not None:
        found["category"] = snapshot.categories.having(wanted.category_id.hex, snapshot.size)
    if wanted.supplier_id is not None:
        found["supplier"] = snapshot.supplier == snapshot.suppliers.known(wanted.supplier_id.hex)
    if wanted.origin is not None:
        names = snapshot.origins.names
        inside = np.fromiter((n.startswith(wanted.origin) for n in names), bool, len(names))
        found["origin"] = inside[snapshot.origin]
    if wanted.is_pavilion is not None:
        found["pavilion"] = snapshot.is_pavilion == wanted.is_pavilion
    if wanted.delivery_mode is not None:
        bit = 1 << DELIVERY_MODES.index(wanted.delivery_mode)
        found["delivery_mode"] = (snapshot.modes & bit) != 0
    if wanted.in_stock:
        found["in_stock"] = snapshot.available
    if wanted.min_price_fen is not None or wanted.max_price_fen is not None:
        low = wanted.min_price_fen or 0
        price = snapshot.price >= low
        if wanted.max_price_fen is not None:
            price &= snapshot.price <= wanted.max_price_fen
        found["price"] = price
    if wanted.brands:
        numbers = [snapshot.brands.known(each) for each in wanted.brands]
        found["brand"] = np.isin(snapshot.brand, numbers)
    return found | _attributes(snapshot, wanted)


def _attributes(snapshot: Snapshot, wanted: SearchRequest) -> dict[str, Mask]:
    found: dict[str, Mask] = {}
    for each in wanted.attributes:
        name = f"{ATTRIBUTE}{each.partition(':')[0]}"
        having = snapshot.attributes.having(each, snapshot.size)
        found[name] = found[name] | having if name in found else having
    return found


def _only(snapshot: Snapshot, product_ids: frozenset[UUID]) -> Mask:
    mask = np.zeros(snapshot.size, bool)
    mask[[snapshot.number_of[each] for each in product_ids if each in snapshot.number_of]] = True
    return mask


def through(base: Mask, chosen: Mapping[str, Mask], but: str = "") -> Mask:
    """Return what all filters let through, or all but one."""
    mask = base.copy()
    for name, each in chosen.items():
        if name != but:
            mask &= each
    return mask
