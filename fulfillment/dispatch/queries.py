"""Read fulfillment orders; and their invariants."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from fulfillment.dispatch import rules
from fulfillment.dispatch.models import FulfillmentLine, FulfillmentOrder
from mall.kernel.errors import NotFound
from mall.kernel.invariants import Invariant


def any_fulfillment_order(session: Session, fulfillment_order_id: UUID) -> FulfillmentOrder:
    """Return a fulfillment order, whoever it belongs to; raises NotFound if there is none."""
    return _one(session, FulfillmentOrder.id == fulfillment_order_id)


def fulfillment_order_of_supplier(
    session: Session, fulfillment_order_id: UUID, supplier_id: UUID
) -> FulfillmentOrder:
    """Return one that a supplier fulfils; raises NotFound if someone else does."""
    mine = FulfillmentOrder.supplier_id == supplier_id
    return _one(session, (FulfillmentOrder.id == fulfillment_order_id) & mine)


def fulfillment_order_of_member(
    session: Session, fulfillment_order_id: UUID, member_id: UUID
) -> FulfillmentOrder:
    """Return one of a member's order; raises NotFound if it is someone else's."""
    mine = FulfillmentOrder.member_id == member_id
    return _one(session, (FulfillmentOrder.id == fulfillment_order_id) & mine)


def _one(session: Session, which: ColumnElement[bool]) -> FulfillmentOrder:
    found = session.scalars(select(FulfillmentOrder).where(which)).first()
    if found is None:
        raise NotFound("fulfillment order")
    return found


def order_of(session: Session, fulfillment_order_id: UUID) -> UUID:
    """Return the order that a fulfillment order is a part of; raise NotFound."""
    found = session.scalar(
        select(FulfillmentOrder.order_id).where(FulfillmentOrder.id == fulfillment_order_id)
    )
    if found is None:
        raise NotFound("fulfillment order")
    return found


def owners_of(session: Session, ids: list[UUID]) -> dict[UUID, dict[str, UUID]]:
    """Return whose each fulfillment order is: its supplier and its member."""
    query = select(
        FulfillmentOrder.id, FulfillmentOrder.supplier_id, FulfillmentOrder.member_id
    ).where(FulfillmentOrder.id.in_(ids))
    return {
        row.id: {"supplier_id": row.supplier_id, "member_id": row.member_id}
        for row in session.execute(query)
    }


_STILL_HERE = FulfillmentOrder.state.in_((rules.OPEN, rules.PARTLY))


@dataclass(frozen=True)
class FulfillmentFilter:
    """Which fulfillment orders are listed: of a supplier or of all, in a state, late ones only."""

    supplier_id: UUID | None = None
    state: str | None = None
    overdue_at: datetime | None = None


def list_parts(
    session: Session, wish: FulfillmentFilter, cursor: UUID | None, limit: int
) -> list[FulfillmentOrder]:
    """Return fulfillment orders, newest first, one more than `limit` if there are more."""
    query = select(FulfillmentOrder).order_by(FulfillmentOrder.id.desc()).limit(limit + 1)
    if wish.supplier_id is not None:
        query = query.where(FulfillmentOrder.supplier_id == wish.supplier_id)
    if wish.state is not None:
        query = query.where(FulfillmentOrder.state == wish.state)
    if wish.overdue_at is not None:
        query = query.where(_STILL_HERE, FulfillmentOrder.dispatch_by < wish.overdue_at)
    if cursor is not None:
        query = query.where(FulfillmentOrder.id < cursor)
    return list(session.scalars(query))


def overdue(session: Session, now: datetime, limit: int) -> list[FulfillmentOrder]:
    """Return what should have left and of which its supplier was not reminded yet; locked."""
    query = (
        select(FulfillmentOrder)
        .where(
            _STILL_HERE,
            FulfillmentOrder.dispatch_by < now,
            FulfillmentOrder.reminded_at.is_(None),
        )
        .order_by(FulfillmentOrder.dispatch_by)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return list(session.scalars(query))


def find_number(session: Session, number: str, supplier_id: UUID) -> FulfillmentOrder | None:
    """Return a supplier's fulfillment order by its number."""
    query = select(FulfillmentOrder).where(
        FulfillmentOrder.number == number, FulfillmentOrder.supplier_id == supplier_id
    )
    return session.scalars(query).first()


def waiting_to_leave(session: Session, supplier_id: UUID, limit: int) -> list[FulfillmentOrder]:
    """Return what a supplier has still to send, oldest first; what is collected apart."""
    query = select(FulfillmentOrder).where(
        FulfillmentOrder.supplier_id == supplier_id,
        _STILL_HERE,
        FulfillmentOrder.delivery_mode != rules.PICKUP,
    )
    return list(session.scalars(query.order_by(FulfillmentOrder.id).limit(limit)))


def of_order(session: Session, order_id: UUID) -> list[FulfillmentOrder]:
    """Return the fulfillment orders an order was split into."""
    return list(
        session.scalars(
            select(FulfillmentOrder)
            .where(FulfillmentOrder.order_id == order_id)
            .order_by(FulfillmentOrder.id)
        )
    )


def collected_of(session: Session, order_ids: Sequence[UUID]) -> list[FulfillmentOrder]:
    """Return the parts of orders that are collected."""
    query = select(FulfillmentOrder).where(
        FulfillmentOrder.order_id.in_(order_ids), FulfillmentOrder.delivery_mode == rules.PICKUP
    )
    return list(session.scalars(query.order_by(FulfillmentOrder.id)))


def lines_of(session: Session, ids: list[UUID]) -> dict[UUID, list[FulfillmentLine]]:
    """Return the lines of fulfillment orders."""
    found: dict[UUID, list[FulfillmentLine]] = {key: [] for key in ids}
    rows = session.scalars(
        select(FulfillmentLine)
        .where(FulfillmentLine.fulfillment_order_id.in_(ids))
        .order_by(FulfillmentLine.id)
    )
    for row in rows:
        found[row.fulfillment_order_id].append(row)
    return found


def find_line(session: Session, order_line_id: UUID) -> FulfillmentLine | None:
    """Return where an order's line is fulfilled, replacements apart."""
    query = select(FulfillmentLine).where(
        FulfillmentLine.order_line_id == order_line_id, FulfillmentLine.is_replacement.is_(False)
    )
    return session.scalars(query).first()


def find_line_of_part(
    session: Session, order_line_id: UUID, fulfillment_order_id: UUID
) -> FulfillmentLine | None:
    """Return an order's line as this fulfillment order sends it, the first time or once more."""
    query = select(FulfillmentLine).where(
        FulfillmentLine.order_line_id == order_line_id,
        FulfillmentLine.fulfillment_order_id == fulfillment_order_id,
    )
    return session.scalars(query).first()


def replacements_of(session: Session, order_line_id: UUID) -> list[FulfillmentLine]:
    """Return what is sent instead of units of an order's line, oldest first."""
    query = select(FulfillmentLine).where(
        FulfillmentLine.order_line_id == order_line_id, FulfillmentLine.is_replacement
    )
    return list(session.scalars(query.order_by(FulfillmentLine.id)))


def last_delivered_at(session: Session, order_line_id: UUID) -> datetime | None:
    """Return when goods of an order's line last arrived, those that replaced others included."""
    query = (
        select(func.max(FulfillmentOrder.delivered_at))
        .join(FulfillmentLine, FulfillmentLine.fulfillment_order_id == FulfillmentOrder.id)
        .where(FulfillmentLine.order_line_id == order_line_id)
    )
    return session.scalar(query)


def due_for_confirmation(session: Session, now: datetime, limit: int) -> list[UUID]:
    """Return dispatched ones whose time to complain is over."""
    return list(
        session.scalars(
            select(FulfillmentOrder.id)
            .where(FulfillmentOrder.state == rules.DISPATCHED, FulfillmentOrder.confirm_by <= now)
            .order_by(FulfillmentOrder.confirm_by)
            .limit(limit)
        )
    )


def count_undelivered(session: Session, order_id: UUID) -> int:
    """Return how many parts of an order are still under way; replacements do not count."""
    count = session.scalar(
        select(func.count())
        .select_from(FulfillmentOrder)
        .where(
            FulfillmentOrder.order_id == order_id,
            FulfillmentOrder.case_id.is_(None),
            FulfillmentOrder.state.not_in((rules.DELIVERED, rules.CANCELLED)),
        )
    )
    return int(count or 0)


def reply(order: FulfillmentOrder, lines: list[FulfillmentLine]) -> dict[str, Any]:
    """Return a fulfillment order with its lines."""
    columns = {
        column.key: getattr(order, column.key) for column in FulfillmentOrder.__table__.columns
    }
    return {**columns, "lines": lines}


INVARIANTS = [
    Invariant(
        "paid_orders_fulfilled_once",
        "every line of a paid order is in exactly one fulfillment order, or its message waits",
        """
        SELECT o.order_no, l.id, count(f.id) FROM shop_order o
        JOIN order_line l ON l.order_id = o.id
        LEFT JOIN fulfillment_line f
          ON f.order_line_id = l.id AND f.quantity = l.quantity AND NOT f.is_replacement
        WHERE o.state IN ('paid', 'completed')
          AND NOT EXISTS (SELECT 1 FROM outbox_delivery d
                          WHERE d.topic = 'OrderPaid' AND d.state = 'pending'
                            AND d.payload->>'order_id' = CAST(o.id AS text))
        GROUP BY o.order_no, l.id HAVING count(f.id) <> 1
        """,
    ),
    Invariant(
        "unpaid_orders_not_fulfilled",
        "nothing is fulfilled for an order that is not paid",
        """
        SELECT f.number, o.state FROM fulfillment_order f
        LEFT JOIN shop_order o ON o.id = f.order_id
        WHERE f.state <> 'cancelled' AND (o.id IS NULL OR o.state NOT IN ('paid', 'completed'))
          AND NOT EXISTS (SELECT 1 FROM outbox_delivery d
                          WHERE d.topic = 'OrderCancelled' AND d.state = 'pending'
                            AND d.payload->>'order_id' = CAST(f.order_id AS text))
        """,
    ),
    Invariant(
        "dispatched_quantities",
        "what was dispatched of a line is the sum over its parcels and the vouchers that were used",
        """
        SELECT f.id, f.dispatched_quantity, s.sent, v.used
        FROM fulfillment_line f
        CROSS JOIN LATERAL (SELECT coalesce(sum(quantity), 0) AS sent FROM shipment_line
                            WHERE fulfillment_line_id = f.id) s
        CROSS JOIN LATERAL (SELECT count(*) AS used FROM pickup_voucher
                            WHERE fulfillment_line_id = f.id AND state = 'redeemed') v
        WHERE f.dispatched_quantity <> s.sent + v.used
        """,
    ),
    Invariant(
        "completed_means_delivered",
        "an order is completed exactly when every part of it was delivered, but what was cancelled",
        """
        SELECT o.order_no, o.state, count(*) FILTER (WHERE f.state <> 'delivered')
        FROM shop_order o
        JOIN fulfillment_order f ON f.order_id = o.id AND f.case_id IS NULL
        GROUP BY o.id
        HAVING (o.state = 'completed') <> (
            count(*) FILTER (WHERE f.state NOT IN ('delivered', 'cancelled')) = 0
            AND count(*) FILTER (WHERE f.state = 'delivered') > 0)
        """,
    ),
]
