"""Read after-sales cases; and their invariants."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from fulfillment.after_sales import rules
from fulfillment.after_sales.models import AfterSalesCase, AfterSalesEvent, ReturnAddress
from mall.kernel.errors import NotFound
from mall.kernel.invariants import Invariant


def any_case(session: Session, case_id: UUID) -> AfterSalesCase:
    """Return a case, whoever asked for it; raises NotFound if there is none."""
    return _one(session, AfterSalesCase.id == case_id)


def case_of_member(session: Session, case_id: UUID, member_id: UUID) -> AfterSalesCase:
    """Return a member's case; raises NotFound if someone else asked for it."""
    mine = AfterSalesCase.member_id == member_id
    return _one(session, (AfterSalesCase.id == case_id) & mine)


def case_of_supplier(session: Session, case_id: UUID, supplier_id: UUID) -> AfterSalesCase:
    """Return a case about a supplier's goods; raises NotFound if they are someone else's."""
    mine = AfterSalesCase.supplier_id == supplier_id
    return _one(session, (AfterSalesCase.id == case_id) & mine)


def _one(session: Session, which: ColumnElement[bool]) -> AfterSalesCase:
    found = session.scalars(select(AfterSalesCase).where(which)).first()
    if found is None:
        raise NotFound("after-sales case")
    return found


def list_cases(
    session: Session,
    scope: dict[str, UUID],
    state: str | None,
    cursor: UUID | None,
    limit: int,
) -> list[AfterSalesCase]:
    """Return the cases of a member, a supplier or everybody, newest first, one more if more."""
    query = select(AfterSalesCase).filter_by(**scope).order_by(AfterSalesCase.id.desc())
    if state is not None:
        query = query.where(AfterSalesCase.state == state)
    if cursor is not None:
        query = query.where(AfterSalesCase.id < cursor)
    return list(session.scalars(query.limit(limit + 1)))


def history_of(session: Session, case_id: UUID) -> list[AfterSalesEvent]:
    """Return who did what when, oldest first."""
    query = select(AfterSalesEvent).where(AfterSalesEvent.case_id == case_id)
    return list(session.scalars(query.order_by(AfterSalesEvent.id)))


def open_of_order(session: Session, order_id: UUID) -> list[AfterSalesCase]:
    """Return an order's cases that have not ended."""
    query = select(AfterSalesCase).where(
        AfterSalesCase.order_id == order_id, AfterSalesCase.state.not_in(rules.ENDED)
    )
    return list(session.scalars(query.order_by(AfterSalesCase.id)))


def claimed_sent(session: Session, order_line_id: UUID) -> int:
    """Return how many units of a line that have left are in cases which may still succeed, or did."""
    query = select(func.coalesce(func.sum(AfterSalesCase.quantity), 0)).where(
        AfterSalesCase.order_line_id == order_line_id,
        AfterSalesCase.state.in_(rules.CLAIMING),
        AfterSalesCase.is_unsent.is_(False),
    )
    return int(session.scalar(query) or 0)


def due(session: Session, now: datetime, limit: int) -> list[UUID]:
    """Return cases in which silence decides now, the longest due first."""
    query = select(AfterSalesCase.id).where(AfterSalesCase.due_at <= now)
    return list(session.scalars(query.order_by(AfterSalesCase.due_at).limit(limit)))


def return_address(session: Session, supplier_id: UUID) -> ReturnAddress | None:
    """Return where a supplier wants goods back, if it said."""
    return session.get(ReturnAddress, supplier_id)


def reply(case: AfterSalesCase) -> dict[str, Any]:
    """Return a case as all sides read it."""
    return {column.key: getattr(case, column.key) for column in AfterSalesCase.__table__.columns}


INVARIANTS = [
    Invariant(
        "cases_refunded_once",
        "a case that was refunded gave back exactly that once, any other nothing",
        """
        SELECT coalesce(c.number, r.reference), c.state, c.refunded_fen, r.amount_fen
        FROM after_sales_case c
        FULL JOIN (SELECT reference, amount_fen FROM reimbursement
                   WHERE reference LIKE 'case:%') r ON r.reference = 'case:' || c.id
        WHERE c.refunded_fen IS DISTINCT FROM r.amount_fen
        """,
    ),
    Invariant(
        "cases_within_line",
        "no more units of a line are in cases than it has, none that left is asked back twice, and"
        " none is asked back while what replaces it has not left",
        """
        SELECT f.order_line_id, f.quantity, f.dispatched_quantity, c.sent, c.unsent, r.waiting
        FROM fulfillment_line f
        JOIN LATERAL (
            SELECT coalesce(sum(quantity) FILTER (WHERE NOT is_unsent), 0) AS sent,
                   coalesce(sum(quantity) FILTER (WHERE is_unsent), 0) AS unsent
            FROM after_sales_case
            WHERE order_line_id = f.order_line_id
              AND state NOT IN ('replaced', 'withdrawn', 'dismissed', 'lapsed')) c ON true
        JOIN LATERAL (
            SELECT coalesce(sum(quantity - dispatched_quantity), 0) AS waiting
            FROM fulfillment_line
            WHERE order_line_id = f.order_line_id AND is_replacement) r ON true
        WHERE NOT f.is_replacement
          AND (c.sent + c.unsent > f.quantity OR c.sent + r.waiting > f.dispatched_quantity)
        """,
    ),
    Invariant(
        "held_units_asked_back",
        "units are held back from dispatch exactly for the cases that ask for them",
        """
        SELECT f.id, f.held_quantity, c.held FROM fulfillment_line f
        LEFT JOIN LATERAL (SELECT sum(held) AS held FROM after_sales_case
                           WHERE order_line_id = f.order_line_id
                             AND fulfillment_order_id = f.fulfillment_order_id) c ON true
        WHERE f.held_quantity <> coalesce(c.held, 0)
        """,
    ),
    Invariant(
        "unsent_units_taken_out",
        "units that went back before they left are out of their fulfillment order, and no others",
        """
        SELECT f.order_line_id, f.cancelled, b.unsent
        FROM (SELECT order_line_id, sum(cancelled_quantity) AS cancelled
              FROM fulfillment_line GROUP BY 1) f
        LEFT JOIN LATERAL (SELECT sum(unsent) AS unsent FROM reimbursement
                           WHERE order_line_id = f.order_line_id) b ON true
        WHERE f.cancelled <> coalesce(b.unsent, 0)
        """,
    ),
    Invariant(
        "exchanges_sent_once",
        "every exchange has its one fulfillment order, and every such order its exchange",
        """
        SELECT coalesce(c.number, f.number), c.replacement_id, f.id
        FROM (SELECT * FROM after_sales_case WHERE state = 'replaced') c
        FULL JOIN (SELECT * FROM fulfillment_order WHERE case_id IS NOT NULL) f ON f.case_id = c.id
        WHERE c.replacement_id IS DISTINCT FROM f.id
        """,
    ),
]
