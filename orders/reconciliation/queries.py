"""Read bills and differences; and their invariants."""

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mall.kernel.clock import beijing_day
from mall.kernel.errors import NotFound
from mall.kernel.invariants import Invariant
from orders.payments.models import Payment
from orders.reconciliation import rules, statements
from orders.reconciliation.models import Bill, ReconciliationCase

MAX_DAYS = 92
MAX_REPORTED = 5_000


def first_day(session: Session, merchant: str) -> date | None:
    """Return the day of a merchant's first payment, or None before it has any."""
    query = select(func.min(Payment.created_at)).where(Payment.merchant == merchant)
    moment = session.scalar(query)
    return None if moment is None else beijing_day(moment)


def wanted(session: Session, now: datetime, limit: int) -> list[tuple[str, date]]:
    """Return the bills to be fetched now, oldest day first."""
    query = select(Bill.merchant, Bill.day).where(Bill.state == rules.WANTED, Bill.try_at <= now)
    rows = session.execute(query.order_by(Bill.day, Bill.merchant).limit(limit))
    return [(row.merchant, row.day) for row in rows]


def get_bill(session: Session, merchant: str, day: date) -> Bill:
    """Return the bill of a merchant's day or raise NotFound."""
    found = session.get(Bill, (merchant, day))
    if found is None:
        raise NotFound("bill")
    return found


def bills(session: Session, merchant: str, first: date, last: date) -> list[Bill]:
    """Return the bills of a merchant's days, oldest first."""
    query = select(Bill).where(Bill.merchant == merchant, Bill.day.between(first, last))
    return list(session.scalars(query.order_by(Bill.day)))


def figures(session: Session, merchant: str, first: date, last: date) -> dict[str, Any]:
    """Return what bills add up to, what our clearing account has of them, and the differences.

    In fen and to the fen: what the bills say (paid less refunded) is what the clearing account has,
    less what is under way, plus the sum of the open and explained differences.
    """
    found = bills(session, merchant, first, last)
    values = {
        "merchant": merchant,
        "first": first,
        "last": last,
        "begins": rules.begins(first),
        "ends": rules.begins(last + timedelta(days=1)),
    }
    ours = session.execute(statements.CLEARING, values).one()
    cases = session.execute(
        select(ReconciliationCase.state, func.count(), func.sum(ReconciliationCase.difference_fen))
        .where(
            ReconciliationCase.merchant == merchant,
            ReconciliationCase.day.between(first, last),
        )
        .group_by(ReconciliationCase.state)
    ).all()
    counts = {row[0]: row[1] for row in cases}
    return {
        "merchant": merchant,
        "first": first,
        "last": last,
        "line_count": sum(bill.line_count for bill in found),
        "paid_fen": sum(bill.paid_fen for bill in found),
        "refunded_fen": sum(bill.refunded_fen for bill in found),
        "fee_fen": sum(bill.fee_fen for bill in found),
        "clearing_paid_fen": int(ours.paid_fen),
        "clearing_refunded_fen": int(ours.refunded_fen),
        "under_way_fen": int(ours.under_way_fen),
        "differences_fen": sum(int(row[2]) for row in cases if row[0] != rules.VANISHED),
        "open_cases": counts.get(rules.OPEN, 0),
        "explained_cases": counts.get(rules.EXPLAINED, 0),
        "bills": found,
    }


def cases(
    session: Session,
    state: str | None,
    days: tuple[date | None, date | None],
    cursor: UUID | None,
    limit: int,
) -> list[ReconciliationCase]:
    """Return differences, newest day first, one more than `limit` if there are more."""
    query = select(ReconciliationCase).order_by(ReconciliationCase.id.desc())
    if state is not None:
        query = query.where(ReconciliationCase.state == state)
    if days[0] is not None:
        query = query.where(ReconciliationCase.day >= days[0])
    if days[1] is not None:
        query = query.where(ReconciliationCase.day <= days[1])
    if cursor is not None:
        query = query.where(ReconciliationCase.id < cursor)
    return list(session.scalars(query.limit(limit + 1)))


def unpaid_on_bill(session: Session, merchant: str, day: date, limit: int) -> list[str]:
    """Return payments that a bill knows as paid and we do not: WeChat is asked about them."""
    query = (
        select(ReconciliationCase.number)
        .join(Payment, Payment.out_trade_no == ReconciliationCase.number)
        .where(
            ReconciliationCase.merchant == merchant,
            ReconciliationCase.day == day,
            ReconciliationCase.kind == rules.PAYMENT,
            ReconciliationCase.difference == rules.STATE,
            ReconciliationCase.state == rules.OPEN,
            Payment.state != "paid",
        )
        .limit(limit)
    )
    return list(session.scalars(query))


INVARIANTS = [
    Invariant(
        "bills_match_clearing",
        "every line of a bill proves what was posted under its number, to the fen, or has a case",
        """
        SELECT l.day, l.line, l.kind, l.number, l.amount_fen, e.amount_fen AS posted
        FROM bill_line l
        LEFT JOIN payment p ON l.is_proof AND l.kind = 'payment' AND p.out_trade_no = l.number
        LEFT JOIN refund r ON l.is_proof AND l.kind = 'refund' AND r.out_refund_no = l.number
        LEFT JOIN ledger_transfer t
          ON t.reference = CASE l.kind WHEN 'payment' THEN 'payment:' || p.id
                                       ELSE 'refund:' || r.id END
        LEFT JOIN ledger_entry e ON e.transfer_id = t.id AND e.account = 'wechat:clearing'
        WHERE (NOT l.is_proof OR l.state IN ('SUCCESS', 'REFUND'))
          AND l.amount_fen IS DISTINCT FROM CASE l.kind WHEN 'payment' THEN -e.amount_fen
                                                        ELSE e.amount_fen END
          AND NOT EXISTS (SELECT 1 FROM reconciliation_case c
                          WHERE c.merchant = l.merchant AND c.kind = l.kind AND c.number = l.number
                            AND c.state <> 'vanished'
                            -- A further line of a number has a case of its own.
                            AND (l.is_proof OR c.day = l.day
                                               AND c.place IN ('', l.day || '#' || l.line)))
        """,
    ),
    Invariant(
        "clearing_is_on_bills",
        "what was posted to the clearing account on a day whose bills are checked is on a bill",
        """
        SELECT n.number, n.kind, n.day, n.amount_fen
        FROM (SELECT p.merchant, 'payment' AS kind, p.out_trade_no AS number, p.amount_fen,
                     CAST(p.paid_at AT TIME ZONE 'Asia/Shanghai' AS date) AS day
              FROM payment p WHERE p.state = 'paid'
              UNION ALL
              SELECT p.merchant, 'refund', r.out_refund_no, r.amount_fen,
                     CAST(r.ended_at AT TIME ZONE 'Asia/Shanghai' AS date)
              FROM refund r JOIN payment p ON p.id = r.payment_id
              WHERE r.state = 'succeeded') n
        JOIN bill b ON b.merchant = n.merchant AND b.day = n.day
                   AND b.state IN ('checked', 'empty')
        WHERE NOT EXISTS (SELECT 1 FROM bill_line l
                          WHERE l.merchant = n.merchant AND l.kind = n.kind AND l.number = n.number
                            AND l.is_proof)
          AND NOT EXISTS (SELECT 1 FROM reconciliation_case c
                          WHERE c.merchant = n.merchant AND c.kind = n.kind AND c.number = n.number
                            AND c.state <> 'vanished')
        """,
    ),
    Invariant(
        "bills_add_up",
        "a bill's figures are the sums over its lines",
        f"""
        SELECT b.merchant, b.day, b.line_count, count(l.number), b.paid_fen, b.refunded_fen
        FROM bill b LEFT JOIN bill_line l ON l.merchant = b.merchant AND l.day = b.day
        GROUP BY b.merchant, b.day
        HAVING b.line_count <> count(l.number)
            OR b.paid_fen <> coalesce(sum(l.amount_fen) FILTER (
                   WHERE l.kind = 'payment' AND {statements.COUNTS}), 0)
            OR b.refunded_fen <> coalesce(sum(l.amount_fen) FILTER (
                   WHERE l.kind = 'refund' AND {statements.COUNTS}), 0)
            OR b.fee_fen <> coalesce(sum(l.fee_fen), 0)
        """,
    ),
]
