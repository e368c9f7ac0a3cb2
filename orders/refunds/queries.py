"""Read refunds; and their invariants."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from mall.kernel.invariants import Invariant
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


INVARIANTS = [
    Invariant(
        "settled_refunds_on_record",
        "a refund paid another way stands on record with who entered it and who confirmed it",
        """
        SELECT r.out_refund_no, r.amount_fen FROM refund r
        WHERE r.state = 'settled' AND NOT EXISTS (
            SELECT FROM value_act v WHERE v.kind = 'settle_refund' AND v.amount_fen = r.amount_fen
            AND v.subject = CAST(r.id AS text) AND v.state IN ('alone', 'confirmed'))
        """,
    ),
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
        "what is owed over WeChat is the sum of the refunds not yet paid out, late ones apart",
        """
        SELECT a.owed, r.open
        FROM (SELECT coalesce(sum(amount_fen), 0) AS owed FROM ledger_entry
              WHERE account = 'wechat:owed') a
        CROSS JOIN (SELECT coalesce(sum(amount_fen), 0) AS open FROM refund
                    WHERE purpose <> 'late' AND state NOT IN ('succeeded', 'settled')) r
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
    Invariant(
        "reimbursed_by_tender",
        "what went back of an order's tenders is the sum over its lines and freight, and the refunds",
        """
        SELECT o.order_no, o.refunded_beans_fen, b.beans, o.refunded_wechat_fen, b.wechat, r.wechat
        FROM shop_order o
        LEFT JOIN LATERAL (SELECT sum(beans_fen) AS beans, sum(wechat_fen) AS wechat
                           FROM reimbursement WHERE order_id = o.id) b ON true
        LEFT JOIN LATERAL (
            SELECT sum(f.amount_fen) AS wechat FROM payment p
            JOIN refund f ON f.payment_id = p.id AND f.purpose = 'after_sales'
            WHERE p.order_id = o.id) r ON true
        WHERE o.refunded_beans_fen <> coalesce(b.beans, 0)
           OR o.refunded_wechat_fen <> coalesce(b.wechat, 0)
           OR coalesce(b.wechat, 0) <> coalesce(r.wechat, 0)
        """,
    ),
    Invariant(
        "never_more_back_than_paid",
        "no line gives back more of any lot, or of WeChat, than it took, nor more units than it had",
        """
        SELECT l.order_id, l.id AS line_id, 'wechat' AS tender, l.wechat_fen, sum(b.wechat_fen)
        FROM order_line l JOIN reimbursement b ON b.order_line_id = l.id
        GROUP BY l.order_id, l.id
        HAVING sum(b.wechat_fen) > l.wechat_fen OR sum(b.unsent) > l.quantity
        UNION ALL
        SELECT l.order_id, l.id, g.lot_id, coalesce(t.fen, 0), g.fen
        FROM order_line l
        JOIN LATERAL (
            SELECT x->>'lot_id' AS lot_id, sum(CAST(x->>'amount_fen' AS bigint)) AS fen
            FROM reimbursement b, jsonb_array_elements(b.bean_lots) x
            WHERE b.order_line_id = l.id GROUP BY 1) g ON true
        LEFT JOIN LATERAL (
            SELECT sum(CAST(x->>'amount_fen' AS bigint)) AS fen
            FROM jsonb_array_elements(l.bean_lots) x WHERE x->>'lot_id' = g.lot_id) t ON true
        WHERE g.fen > coalesce(t.fen, 0)
        """,
    ),
]
