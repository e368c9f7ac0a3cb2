"""Read after-sales cases; and their invariants."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from fulfillment.after_sales import rules
from fulfillment.after_sales.models import AfterSalesCase, AfterSalesEvent, ReturnAddress
from mall.kernel.errors import NotFound


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
    """Return cases whose deadline has passed without an answer, the longest overdue first."""
    query = select(AfterSalesCase.id).where(AfterSalesCase.due_at <= now)
    return list(session.scalars(query.order_by(AfterSalesCase.due_at).limit(limit)))


def return_address(session: Session, supplier_id: UUID) -> ReturnAddress | None:
    """Return where a supplier wants goods back, if it said."""
    return session.get(ReturnAddress, supplier_id)


def reply(case: AfterSalesCase) -> dict[str, Any]:
    """Return a case as all sides read it."""
    return {column.key: getattr(case, column.key) for column in AfterSalesCase.__table__.columns}
