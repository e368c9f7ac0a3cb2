"""Read refunds; and their invariants."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from orders.payments.models import Payment
from orders.refunds import rules
from orders.refunds.models import Refund, Reimbursement


def due(session: Session, now: datetime, limit: int) -> list[UUID]:
    """Return refunds to be sent or asked about now."""
    return list(
        session.scalars(
            select(Refund.id)
            .where(Refund.state.in_((rules.REQUESTED, rules.ACCEPTED)), Refund.try_at <= now)
            .order_by(Refund.try_at)
            .limit(limit)
        )
    )


def of_order(session: Session, order_id: UUID) -> list[Refund]:
    """Return every refund of an order's payments, oldest first."""
    return list(
        session.scalars(
            select(Refund)
            .join(Payment, Payment.id == Refund.payment_id)
            .where(Payment.order_id == order_id)
            .order_by(Refund.id)
        )
    )


def reimbursements_of(session: Session, order_id: UUID) -> list[Reimbursement]:
    """Return what went back of an order's lines and freight, oldest first."""
    query = select(Reimbursement).where(Reimbursement.order_id == order_id)
    return list(session.scalars(query.order_by(Reimbursement.id)))


def list_refunds(
    session: Session, state: str | None, cursor: UUID | None, limit: int
) -> list[Refund]:
    """Return refunds, newest first, one more than `limit` if there are more."""
    query = select(Refund).order_by(Refund.id.desc()).limit(limit + 1)
    if state is not None:
        query = query.where(Refund.state == state)
    if cursor is not None:
        query = query.where(Refund.id < cursor)
    return list(session.scalars(query))
