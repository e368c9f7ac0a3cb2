"""Read stores, their days, and what was chosen; and their invariants."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from fulfillment.stores import rules
from fulfillment.stores.models import PickupChoice, Store
from mall.kernel.errors import NotFound
from mall.kernel.invariants import Invariant
from mall.members import queries as member_queries
from orders.order import queries as order_queries
from orders.order import rules as order_rules

# What must hold of the store of an account `s`: see mall/access/queries.py. One that is closed for
# collection says so at its counter.
STANDING = """NOT EXISTS (SELECT 1 FROM store p JOIN supplier x ON x.id = p.supplier_id
    WHERE p.id = s.scope_id AND x.state = 'closed')"""

EARTH_KM = 6371.0088


@dataclass(frozen=True)
class Near:
    """Which stores a member looks for: of a merchant, honouring products, around a place."""

    supplier_id: UUID | None = None
    product_id: UUID | None = None
    position: tuple[float, float] | None = None


def any_store(session: Session, store_id: UUID) -> Store:
    """Return a store, of whichever merchant; raises NotFound if there is none."""
    found = session.get(Store, store_id)
    if found is None:
        raise NotFound("store")
    return found


def store_of_supplier(session: Session, store_id: UUID, supplier_id: UUID) -> Store:
    """Return a merchant's store; raises NotFound if it is someone else's."""
    query = select(Store).where(Store.id == store_id, Store.supplier_id == supplier_id)
    found = session.scalars(query).first()
    if found is None:
        raise NotFound("store")
    return found


def shown(session: Session, stores: Sequence[Store]) -> list[dict[str, Any]]:
    """Return stores as they are shown, with the names of their regions."""
    names = member_queries.region_names(session, {store.region_code for store in stores})
    columns = [column.key for column in Store.__table__.columns]
    return [
        {
            **{name: getattr(store, name) for name in columns},
            "region": names.get(store.region_code, ""),
        }
        for store in stores
    ]


def of_supplier(session: Session, supplier_id: UUID) -> list[Store]:
    """Return a merchant's stores, oldest first."""
    query = select(Store).where(Store.supplier_id == supplier_id).order_by(Store.id)
    return list(session.scalars(query.limit(rules.MAX_STORES)))


def _matching(wish: Near) -> Select[Store]:
    query = select(Store).where(Store.is_active)
    if wish.supplier_id is not None:
        query = query.where(Store.supplier_id == wish.supplier_id)
    if wish.product_id is not None:
        listed = Store.product_ids.op("@>")(func.jsonb_build_array(str(wish.product_id)))
        query = query.where(Store.product_ids.is_(None) | listed)
    return query


def find(
    session: Session, wish: Near, cursor: UUID | None, limit: int
) -> list[tuple[Store, float | None]]:
    """Return stores that are open for collection, with their distance in km: the nearest first.

    Without a position: oldest first, one more than `limit` if there are more.
    """
    query = _matching(wish)
    if wish.position is None:
        if cursor is not None:
            query = query.where(Store.id > cursor)
        return [(each, None) for each in session.scalars(query.order_by(Store.id).limit(limit + 1))]
    at = wish.position
    places = session.execute(query.with_only_columns(Store.id, Store.latitude, Store.longitude))
    nearest = sorted((distance_km(at, (lat, lon)), key) for key, lat, lon in places)[:limit]
    rows = session.scalars(select(Store).where(Store.id.in_([key for _, key in nearest])))
    by_id = {row.id: row for row in rows}
    return [(by_id[key], km) for km, key in nearest]


def place_of(session: Session, store: Store) -> dict[str, Any]:
    """Return what a choice keeps of a store: whatever it is called later, this was agreed."""
    region = member_queries.region_names(session, {store.region_code}).get(store.region_code, "")
    return {**{name: getattr(store, name) for name in rules.PLACE}, "region": region}


def choice_of(session: Session, order_id: UUID, supplier_id: UUID) -> PickupChoice | None:
    """Return what is chosen by now for an order's goods of a merchant."""
    return session.get(PickupChoice, (order_id, supplier_id), populate_existing=True)


def choices_of(session: Session, order_id: UUID) -> list[tuple[PickupChoice, dict[str, Any]]]:
    """Return what was chosen for an order, with the stores as they were agreed.

    Hours, closed days and room are today's: they say when one may come.
    """
    query = (
        select(PickupChoice, Store)
        .join(Store, Store.id == PickupChoice.store_id)
        .where(PickupChoice.order_id == order_id)
        .order_by(PickupChoice.supplier_id)
    )
    found = [(row[0], row[1]) for row in session.execute(query)]
    stores = shown(session, [store for _, store in found])
    return [
        (choice, {**store, **choice.place})
        for (choice, _), store in zip(found, stores, strict=True)
    ]


def taken(session: Session, store_id: UUID, days: Sequence[date]) -> dict[date, int]:
    """Return how many units of orders that stand are chosen for each of these days."""
    rows = session.execute(
        select(PickupChoice.day, PickupChoice.order_id, PickupChoice.units).where(
            PickupChoice.store_id == store_id, PickupChoice.day.in_(days)
        )
    ).all()
    gone = order_queries.in_state(session, [row.order_id for row in rows], order_rules.CANCELLED)
    found = dict.fromkeys(days, 0)
    for row in rows:
        if row.order_id not in gone:
            found[row.day] += row.units
    return found


def of_day(session: Session, store_id: UUID, day: date) -> list[PickupChoice]:
    """Return what is to be collected at a store on a day, by time; cancelled orders left out."""
    rows = session.scalars(
        select(PickupChoice)
        .where(PickupChoice.store_id == store_id, PickupChoice.day == day)
        .order_by(PickupChoice.slot_starts, PickupChoice.order_id)
    ).all()
    paid = order_queries.in_state(
        session, [row.order_id for row in rows], order_rules.PAID, order_rules.COMPLETED
    )
    return [row for row in rows if row.order_id in paid]


def honouring(session: Session, supplier_id: UUID, product_id: UUID) -> list[tuple[UUID, str]]:
    """Return which active stores of a merchant hand a product out, oldest first: ids and names."""
    query = _matching(Near(supplier_id, product_id)).with_only_columns(Store.id, Store.name)
    rows = session.execute(query.order_by(Store.id).limit(rules.MAX_STORES))
    return [(row.id, row.name) for row in rows]


INVARIANTS = [
    Invariant(
        "choices_within_their_merchant",
        "what is collected was chosen at a store of the merchant who sold it, by who bought it",
        """
        SELECT c.order_id, c.store_id, c.supplier_id
        FROM pickup_choice c
        JOIN store s ON s.id = c.store_id
        JOIN shop_order o ON o.id = c.order_id
        WHERE s.supplier_id <> c.supplier_id OR o.member_id <> c.member_id
        """,
    ),
]


def distance_km(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Return the distance of two positions (latitude, longitude in degrees) on a sphere."""
    lat_a, lat_b = math.radians(a[0]), math.radians(b[0])
    half_lat, half_lon = (lat_b - lat_a) / 2, math.radians(b[1] - a[1]) / 2
    h = math.sin(half_lat) ** 2 + math.cos(lat_a) * math.cos(lat_b) * math.sin(half_lon) ** 2
    return 2 * EARTH_KM * math.asin(math.sqrt(min(1.0, h)))
