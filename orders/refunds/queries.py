"""Read refunds; and their invariants."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from mall.kernel.audit import Invariant
from orders.payments.models import Payment
from orders.refunds import rules
from orders.refunds.models import Refund


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


INVARIANTS = [
    Invariant(
        "refunds_within_payment",
        "no payment gives back more than it brought; late ones are given back whole",
        """
        SELECT p.out_trade_no, p.amount_fen, sum(r.amount_fen)
        FROM payment p JOIN refund r ON r.payment_id = p.id AND r.state <> 'failed'
        GROUP BY p.id HAVING sum(r.amount_fen) > p.amount_fen
        """,
    ),
    Invariant(
        "refunds_posted",
        "every refund that was paid is posted once, to WeChat's clearing account or elsewhere",
        """
        SELECT coalesce('refund:' || r.id, t.reference), r.amount_fen, t.amount_fen
        FROM (SELECT id, amount_fen, CASE state WHEN 'succeeded' THEN 'wechat:clearing'
                                     ELSE 'refunds:elsewhere' END AS account
              FROM refund WHERE state IN ('succeeded', 'settled')) r
        FULL JOIN (SELECT t.reference, e.amount_fen, e.account
                   FROM ledger_transfer t JOIN ledger_entry e ON e.transfer_id = t.id
                   WHERE t.reference LIKE 'refund:%'
                     AND e.account IN ('wechat:clearing', 'refunds:elsewhere')) t
          ON t.reference = 'refund:' || r.id AND t.account = r.account
        WHERE r.amount_fen IS DISTINCT FROM t.amount_fen
        """,
    ),
    Invariant(
        "refunds_owed",
        "what is owed over WeChat is the sum of the refunds of cancelled orders not yet paid out",
        """
        SELECT a.owed, r.open
        FROM (SELECT coalesce(sum(amount_fen), 0) AS owed FROM ledger_entry
              WHERE account = 'wechat:owed') a
        CROSS JOIN (SELECT coalesce(sum(amount_fen), 0) AS open FROM refund
                    WHERE purpose = 'cancelled' AND state NOT IN ('succeeded', 'settled')) r
        WHERE a.owed <> r.open
        """,
    ),
    Invariant(
        "late_payments_go_back",
        "every late payment has its refund, or the message that will make it",
        """
        SELECT p.out_trade_no FROM payment p
        WHERE p.is_late
          AND NOT EXISTS (SELECT 1 FROM refund r
                          WHERE r.payment_id = p.id AND r.amount_fen = p.amount_fen)
          AND NOT EXISTS (SELECT 1 FROM outbox_delivery d
                          WHERE d.topic = 'LatePaymentReceived' AND d.state = 'pending'
                            AND d.payload->>'payment_id' = CAST(p.id AS text))
        """,
    ),
]
