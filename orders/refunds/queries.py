"""Read refunds; and their invariants."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from mall.kernel.audit import Invariant
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
        "every refund that succeeded is posted once to WeChat's clearing account",
        """
        SELECT coalesce('refund:' || r.id, t.reference), r.amount_fen, t.amount_fen
        FROM (SELECT id, amount_fen FROM refund WHERE state = 'succeeded') r
        FULL JOIN (SELECT t.reference, e.amount_fen
                   FROM ledger_transfer t JOIN ledger_entry e ON e.transfer_id = t.id
                   WHERE t.reference LIKE 'refund:%' AND e.account = 'wechat:clearing') t
          ON t.reference = 'refund:' || r.id
        WHERE r.amount_fen IS DISTINCT FROM t.amount_fen
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
