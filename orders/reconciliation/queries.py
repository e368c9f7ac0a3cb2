"""Read bills and differences; and their invariants."""

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mall.kernel.clock import beijing_day
from mall.kernel.errors import NotFound
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
