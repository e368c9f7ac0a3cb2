"""Read orders; and their invariants."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, literal, or_, select, tuple_
from sqlalchemy.orm import Session

from mall.kernel.db import AutocommitPool
from mall.kernel.errors import NotFound
from mall.kernel.invariants import Invariant
from mall.kernel.together import Read, Rows, array
from orders.order import rules, statements
from orders.order.models import Order, OrderEvent, OrderLine, OrderProgramme


def any_order(session: Session, order_id: UUID) -> Order:
    """Return an order, whoever placed it; raises NotFound if there is none."""
    found = session.get(Order, order_id)
    if found is None:
        raise NotFound("order")
    return found


def order_of_member(session: Session, order_id: UUID, member_id: UUID) -> Order:
    """Return a member's order; raises NotFound if someone else placed it."""
    query = select(Order).where(Order.id == order_id, Order.member_id == member_id)
    found = session.scalars(query).first()
    if found is None:
        raise NotFound("order")
    return found


def in_state(session: Session, order_ids: Sequence[UUID], *states: str) -> set[UUID]:
    """Return which of these orders are in one of these states."""
    query = select(Order.id).where(Order.id.in_(order_ids), Order.state.in_(states))
    return set(session.scalars(query))


def lines_of(session: Session, order_ids: list[UUID]) -> dict[UUID, list[OrderLine]]:
    """Return the lines of orders, in their order."""
    found: dict[UUID, list[OrderLine]] = {order_id: [] for order_id in order_ids}
    rows = session.scalars(
        select(OrderLine)
        .where(OrderLine.order_id.in_(order_ids))
        .order_by(OrderLine.order_id, OrderLine.position)
    )
    for row in rows:
        found[row.order_id].append(row)
    return found


def product_of(session: Session, order_id: UUID, line_id: UUID) -> UUID:
    """Return the product of an order's line."""
    query = select(OrderLine.product_id).where(
        OrderLine.order_id == order_id, OrderLine.id == line_id
    )
    return session.scalars(query).one()


@dataclass(frozen=True)
class SoldLine:
    """A line of an order as those see it who make good for it; amounts in fen."""

    id: UUID
    order_id: UUID
    order_no: str
    member_id: UUID
    supplier_id: UUID
    sku_id: UUID
    title: str
    price_fen: int


def sold_line(session: Session, order_id: UUID, line_id: UUID) -> SoldLine:
    """Return a line of an order that was sold; raises NotFound for another's."""
    row = session.execute(
        select(OrderLine, Order.order_no, Order.member_id)
        .join(Order, Order.id == OrderLine.order_id)
        .where(OrderLine.order_id == order_id, OrderLine.id == line_id)
    ).first()
    if row is None:
        raise NotFound("line", field="line_id")
    line = row[0]
    return SoldLine(
        line.id,
        order_id,
        row.order_no,
        row.member_id,
        line.supplier_id,
        line.sku_id,
        line.title,
        line.price_fen,
    )


def lock_buyer(session: Session, member_id: UUID) -> None:
    """Let one order of a member go after the other until the transaction ends."""
    name = f"buyer:{member_id}"
    session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))


def bought(session: Session, member_id: UUID, since: Mapping[UUID, datetime]) -> dict[UUID, int]:
    """Return how many of each SKU a member ordered since an instant and kept.

    Cancelled orders and units whose price went back do not count.
    """
    spans = or_(
        *(
            (OrderLine.sku_id == sku_id) & (Order.placed_at > instant)
            for sku_id, instant in since.items()
        )
    )
    rows = session.execute(
        select(OrderLine.sku_id, func.sum(OrderLine.quantity - OrderLine.returned_quantity))
        .join(Order, Order.id == OrderLine.order_id)
        .where(Order.member_id == member_id, Order.state != rules.CANCELLED, spans)
        .group_by(OrderLine.sku_id)
    )
    return {row[0]: int(row[1]) for row in rows}


@dataclass(frozen=True)
class PaidLine:
    """A line of a paid order as those see it who fulfil it."""

    id: str
    sku_id: str
    supplier_id: UUID
    delivery_mode: str
    title: str
    options: list[dict[str, str]]
    quantity: int


@dataclass(frozen=True)
class PaidOrder:
    """A paid order as those see it who fulfil it."""

    order_id: str
    order_no: str
    member_id: str
    address: dict[str, Any] | None
    note: str
    lines: tuple[PaidLine, ...]


# Locked, so that a cancellation comes before the split, or after what the split has written.
_PAID = """
    SELECT o.id AS order_id, o.order_no, o.member_id, o.address, o.note,
           l.id, l.sku_id, l.supplier_id, l.delivery_mode, l.title, l.options, l.quantity
    FROM shop_order o JOIN order_line l ON l.order_id = o.id
    WHERE o.id = ANY(CAST((SELECT :paid_order_ids) AS uuid[])) AND o.state IN ('paid', 'completed')
    ORDER BY o.id, l.position
    FOR SHARE OF o
    """


def _paid_line(row: Mapping[str, Any]) -> PaidLine:
    return PaidLine(
        row["id"],
        row["sku_id"],
        UUID(row["supplier_id"]),
        row["delivery_mode"],
        row["title"],
        row["options"],
        row["quantity"],
    )


def reading_paid(order_ids: list[UUID]) -> Read:
    """Return the read of those of the orders that are paid, with their lines."""

    def build(rows: Rows) -> list[PaidOrder]:
        found = []
        for order_id, group in groupby(rows, key=itemgetter("order_id")):
            lines = list(group)
            first = lines[0]
            found.append(
                PaidOrder(
                    order_id,
                    first["order_no"],
                    first["member_id"],
                    first["address"],
                    first["note"],
                    tuple(map(_paid_line, lines)),
                )
            )
        return found

    return Read(_PAID, {"paid_order_ids": array(order_ids)}, build)


def history(session: Session, order_id: UUID) -> list[OrderEvent]:
    """Return who did what when, oldest first."""
    return list(
        session.scalars(
            select(OrderEvent).where(OrderEvent.order_id == order_id).order_by(OrderEvent.id)
        )
    )


def page_of_member(
    pool: AutocommitPool, member_id: UUID, state: str | None, cursor: UUID | None, limit: int
) -> str:
    """Return a member's orders, newest first, as the JSON text of an `OrderPage`.

    Members look at their orders more often than at anything else of their own.
    """
    values = {"member_id": member_id, "state": state, "cursor": cursor, "limit": limit}
    row = pool.read(statements.PAGE, values)
    assert row is not None
    return str(row[0])


def overdue(
    session: Session, now: datetime, after: tuple[datetime, UUID] | None, limit: int
) -> list[tuple[UUID, datetime]]:
    """Return orders whose time to pay is over and when it was, the longest waiting first."""
    query = (
        select(Order.id, Order.pay_by)
        .where(Order.state == rules.AWAITING_PAYMENT, Order.pay_by <= now)
        .order_by(Order.pay_by, Order.id)
        .limit(limit)
    )
    if after is not None:
        query = query.where(tuple_(Order.pay_by, Order.id) > tuple_(*map(literal, after)))
    return [(row.id, row.pay_by) for row in session.execute(query)]


def paid_of_programme(programme_id: UUID) -> Select[UUID]:
    """Return the query of a programme's orders that were paid and not cancelled."""
    return (
        select(Order.id)
        .join(OrderProgramme, OrderProgramme.order_id == Order.id)
        .where(
            OrderProgramme.programme_id == programme_id,
            Order.state.in_((rules.PAID, rules.COMPLETED)),
        )
    )


def programmes_of(session: Session, order_ids: list[UUID]) -> dict[UUID, list[OrderProgramme]]:
    """Return how much of which programme each order takes."""
    found: dict[UUID, list[OrderProgramme]] = {order_id: [] for order_id in order_ids}
    rows = session.scalars(select(OrderProgramme).where(OrderProgramme.order_id.in_(order_ids)))
    for row in rows:
        found[row.order_id].append(row)
    return found


def order_reply(order: Order, lines: list[OrderLine]) -> dict[str, Any]:
    """Return an order as its member reads it."""
    columns = {column.key: getattr(order, column.key) for column in Order.__table__.columns}
    return {**columns, "lines": lines}


INVARIANTS = [
    Invariant(
        "order_totals",
        "an order's goods and tenders are the sums over its lines and freight",
        """
        SELECT o.order_no, o.goods_fen, l.amount, o.beans_fen, l.beans + f.beans
        FROM shop_order o
        CROSS JOIN LATERAL (SELECT coalesce(sum(amount_fen), 0) AS amount,
                                   coalesce(sum(beans_fen), 0) AS beans
                            FROM order_line WHERE order_id = o.id) l
        CROSS JOIN LATERAL (SELECT coalesce(sum(CAST(x->>'fee_fen' AS bigint)), 0) AS fee,
                                   coalesce(sum(CAST(x->>'beans_fen' AS bigint)), 0) AS beans
                            FROM jsonb_array_elements(o.freight) x) f
        WHERE o.goods_fen <> l.amount OR o.freight_fen <> f.fee
           OR o.beans_fen <> l.beans + f.beans
        """,
    ),
    Invariant(
        "order_beans",
        "the beans of an order are spent once it is paid, held while it waits, free once cancelled",
        """
        SELECT o.order_no, o.state, o.beans_fen, s.spent, h.held
        FROM shop_order o
        CROSS JOIN LATERAL (
            SELECT coalesce(sum(e.amount_fen), 0) AS spent
            FROM ledger_transfer t JOIN ledger_entry e ON e.transfer_id = t.id
            WHERE e.account = 'sales:beans'
              AND t.reference = ANY(
                  ARRAY['spend:' || o.id, 'capture:' || o.id, 'unspend:' || o.id]
                  || ARRAY(SELECT 'unspend:' || r.id FROM reimbursement r
                           WHERE r.order_id = o.id))) s
        CROSS JOIN LATERAL (
            SELECT coalesce(sum(amount_fen), 0) AS held FROM bean_hold
            WHERE order_id = o.id AND state = 'held') h
        WHERE (o.state IN ('paid', 'completed')
               AND (s.spent <> o.beans_fen - o.refunded_beans_fen OR h.held <> 0))
           OR (o.state = 'awaiting_payment' AND (s.spent <> 0 OR h.held <> o.beans_fen))
           OR (o.state = 'cancelled' AND (s.spent <> 0 OR h.held <> 0))
        """,
    ),
    Invariant(
        "programme_orders",
        "what paid orders took of a programme is what was spent of its lots, and no order more",
        """
        SELECT coalesce(c.programme_id, s.programme_id), c.taken, s.spent
        FROM (SELECT p.programme_id, sum(p.amount_fen - p.returned_fen) AS taken
              FROM order_programme p JOIN shop_order o ON o.id = p.order_id
              WHERE o.state IN ('paid', 'completed') GROUP BY 1) c
        FULL JOIN (
            SELECT l.programme_id, -sum(e.amount_fen) AS spent
            FROM ledger_transfer t JOIN ledger_entry e ON e.transfer_id = t.id
            JOIN bean_lot l ON e.account = 'lot:' || l.id
            WHERE t.kind IN ('spend', 'unspend') AND l.programme_id IS NOT NULL
            GROUP BY 1 HAVING sum(e.amount_fen) <> 0) s USING (programme_id)
        LEFT JOIN LATERAL (
            SELECT sum(h.amount_fen) AS captured FROM bean_hold h JOIN bean_lot b ON b.id = h.lot_id
            WHERE h.state = 'captured'
              AND b.programme_id = coalesce(c.programme_id, s.programme_id)) k ON true
        WHERE coalesce(c.taken, 0) <> coalesce(s.spent, 0) + coalesce(k.captured, 0)
        """,
    ),
    Invariant(
        "order_reservations",
        "stock is reserved exactly for the lines of orders that wait for payment",
        """
        SELECT coalesce(a.order_id, r.order_id), a.quantity, r.quantity
        FROM (SELECT l.order_id, l.sku_id, sum(l.quantity) AS quantity
              FROM order_line l JOIN shop_order o ON o.id = l.order_id
              WHERE o.state = 'awaiting_payment' GROUP BY 1, 2) a
        FULL JOIN (SELECT order_id, sku_id, quantity FROM reservation WHERE state = 'held') r
          ON r.order_id = a.order_id AND r.sku_id = a.sku_id
        WHERE a.quantity IS DISTINCT FROM r.quantity
        """,
    ),
    Invariant(
        "order_sales",
        "paid orders moved exactly their units out of stock, others none",
        """
        SELECT coalesce(a.reference, m.reference), a.quantity, m.quantity
        FROM (SELECT 'order:' || l.order_id AS reference,
                     nullif(sum(l.quantity) - coalesce(sum(b.unsent), 0), 0) AS quantity
              FROM order_line l JOIN shop_order o ON o.id = l.order_id
              LEFT JOIN LATERAL (SELECT sum(unsent) AS unsent FROM reimbursement
                                 WHERE order_line_id = l.id) b ON true
              WHERE o.state IN ('paid', 'completed') GROUP BY 1) a
        FULL JOIN (SELECT reference, -sum(quantity) AS quantity FROM stock_movement
                   WHERE cause IN ('sale', 'cancellation') GROUP BY 1
                   HAVING sum(quantity) <> 0) m USING (reference)
        WHERE a.quantity IS DISTINCT FROM m.quantity
        """,
    ),
]
