"""Read payments; and their invariants."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from mall.kernel.errors import NotFound
from orders.order import rules as order_rules
from orders.order.models import Order
from orders.payments import rules
from orders.payments.models import GatewayMessage, Payment


def open_payments(session: Session, order_id: UUID) -> list[Payment]:
    """Return an order's payments that could still be paid."""
    return list(
        session.scalars(
            select(Payment).where(Payment.order_id == order_id, Payment.state == rules.OPEN)
        )
    )


def payments_of(session: Session, order_id: UUID) -> list[Payment]:
    """Return every payment asked for an order, oldest first."""
    return list(
        session.scalars(select(Payment).where(Payment.order_id == order_id).order_by(Payment.id))
    )


def paid_in_time(session: Session, order_id: UUID) -> list[Payment]:
    """Return the payments that paid for an order; late ones go back by themselves."""
    query = select(Payment).where(
        Payment.order_id == order_id, Payment.state == rules.PAID, Payment.is_late.is_(False)
    )
    return list(session.scalars(query.order_by(Payment.id).with_for_update()))


def get_payment(session: Session, payment_id: UUID) -> Payment:
    """Return a payment by id."""
    return session.get_one(Payment, payment_id)


def merchant_of(session: Session, out_trade_no: str) -> str:
    """Return the merchant that a payment was asked for; raises NotFound."""
    query = select(Payment.merchant).where(Payment.out_trade_no == out_trade_no)
    name = session.scalars(query).first()
    if name is None:
        raise NotFound("payment")
    return name


def messages_of(
    session: Session, number: str, cursor: UUID | None, limit: int
) -> list[GatewayMessage]:
    """Return what was said about a number, newest first, one more than `limit` if more."""
    query = select(GatewayMessage).where(GatewayMessage.number == number)
    if cursor is not None:
        query = query.where(GatewayMessage.id < cursor)
    return list(session.scalars(query.order_by(GatewayMessage.id.desc()).limit(limit + 1)))


def find_payment(session: Session, out_trade_no: str) -> Payment | None:
    """Return the payment of that number."""
    return session.scalars(select(Payment).where(Payment.out_trade_no == out_trade_no)).first()


def due_for_query(session: Session, now: datetime, limit: int) -> list[tuple[str, bool]]:
    """Return open payments that should be asked about, the longest due first.

    With each comes whether it is to be closed: its time is over, or its order waits no more.
    """
    waits_no_more = Order.state.is_not(None) & (Order.state != order_rules.AWAITING_PAYMENT)
    is_over = or_(Payment.expires_at <= now, waits_no_more)
    rows = session.execute(
        select(Payment.out_trade_no, is_over)
        .outerjoin(Order, Order.id == Payment.order_id)
        .where(Payment.state == rules.OPEN, Payment.query_at <= now)
        .order_by(Payment.query_at)
        .limit(limit)
    )
    return [(row[0], bool(row[1])) for row in rows]
