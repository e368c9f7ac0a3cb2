"""Read payments; and their invariants."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from mall.kernel.errors import NotFound
from mall.kernel.invariants import Invariant
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


INVARIANTS = [
    Invariant(
        "payments_accounted",
        "a paid order's WeChat part was paid once and is owed as far as it went back; others are late",
        """
        SELECT o.order_no, o.state, o.wechat_fen, o.refunded_wechat_fen, coalesce(p.on_time, 0),
               coalesce(p.owed, 0)
        FROM shop_order o
        LEFT JOIN LATERAL (
            SELECT sum(p.amount_fen) AS on_time, sum(r.fen) AS owed
            FROM payment p
            LEFT JOIN LATERAL (SELECT sum(amount_fen) AS fen FROM refund
                               WHERE payment_id = p.id AND purpose <> 'late') r ON true
            WHERE p.order_id = o.id AND p.state = 'paid' AND NOT p.is_late) p ON true
        WHERE (o.state IN ('paid', 'completed')
               AND (coalesce(p.on_time, 0) <> o.wechat_fen
                    OR coalesce(p.owed, 0) <> o.refunded_wechat_fen))
           OR (o.state = 'awaiting_payment' AND coalesce(p.on_time, 0) <> 0)
           OR (o.state = 'cancelled' AND coalesce(p.on_time, 0) <> coalesce(p.owed, 0))
        """,
    ),
    Invariant(
        "payments_posted",
        "every paid payment is posted once from WeChat's clearing account",
        """
        SELECT coalesce('payment:' || p.id, t.reference), p.amount_fen, t.amount_fen
        FROM (SELECT id, amount_fen FROM payment WHERE state = 'paid') p
        FULL JOIN (SELECT t.reference, -e.amount_fen AS amount_fen
                   FROM ledger_transfer t JOIN ledger_entry e ON e.transfer_id = t.id
                   WHERE t.reference LIKE 'payment:%' AND e.account = 'wechat:clearing') t
          ON t.reference = 'payment:' || p.id
        WHERE p.amount_fen IS DISTINCT FROM t.amount_fen
        """,
    ),
    Invariant(
        "no_payment_waits_for_nothing",
        "no cancelled order has a payment that could still be paid",
        """
        SELECT o.order_no, p.out_trade_no FROM shop_order o
        JOIN payment p ON p.order_id = o.id
        WHERE o.state = 'cancelled' AND p.state = 'open'
        """,
    ),
]
