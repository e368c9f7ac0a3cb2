"""Want bills, record and match them, explain what differs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import islice
from uuid import UUID

from sqlalchemy import select

from mall.access.rules import OPS
from mall.kernel.errors import NotFound
from mall.kernel.uow import UnitOfWork
from mall.notification.rules import NewNotice
from mall.notification.service import staff_notices
from orders.reconciliation import queries, rules, statements
from orders.reconciliation.models import Bill, ReconciliationCase
from orders.reconciliation.rules import BillLine, Terms

CHUNK = 5_000


@dataclass(frozen=True)
class Matched:
    """What came of matching a bill: how many differences are new, and how many are gone."""

    line_count: int
    opened: int
    vanished: int


def want(uow: UnitOfWork, merchant: str, days: Sequence[date]) -> None:
    """Want the bills of days; those that are known already stay as they are."""
    values = {"merchant": merchant, "days": list(days), "now": uow.now}
    uow.session.execute(statements.WANT, values)


def want_again(uow: UnitOfWork, merchant: str, day: date) -> Bill:
    """Fetch and match a bill once more; raises NotFound."""
    bill = queries.get_bill(uow.session, merchant, day)
    bill.state, bill.try_at, bill.last_error = rules.WANTED, uow.now, None
    uow.session.flush()
    return bill


def put_off(uow: UnitOfWork, merchant: str, day: date, error: str | None = None) -> None:
    """Try a bill again later."""
    bill = queries.get_bill(uow.session, merchant, day)
    bill.try_at, bill.last_error = uow.now + rules.RETRY, error


def record(uow: UnitOfWork, terms: Terms, day: date, text: bytes | None) -> Matched:
    """Record a bill and match every line of it, in place of what was recorded of that day before.

    None: WeChat says that nothing was traded. Raises BillUnreadable; then nothing is kept.
    """
    bill = uow.session.scalars(
        select(Bill)
        .where(Bill.merchant == terms.merchant, Bill.day == day)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    key = {"merchant": terms.merchant, "day": day}
    uow.session.execute(statements.FORGET_LINES, key)
    counted = _keep(uow, key, () if text is None else rules.lines_of(text))
    bill.line_count, bill.paid_fen, bill.refunded_fen, bill.fee_fen = counted
    bill.state = rules.EMPTY if text is None else rules.CHECKED
    bill.checked_at, bill.last_error = uow.now, None
    uow.session.flush()
    return _match(uow, terms, day)


def _keep(
    uow: UnitOfWork, key: dict[str, object], lines: Iterable[BillLine]
) -> tuple[int, int, int, int]:
    count = paid = back = fees = 0
    rest = iter(lines)
    while chunk := list(islice(rest, CHUNK)):
        uow.session.execute(
            statements.KEEP_LINES,
            {
                **key,
                "lines": [line.line for line in chunk],
                "kinds": [line.kind for line in chunk],
                "numbers": [line.number for line in chunk],
                "wechat_nos": [line.wechat_no for line in chunk],
                "amounts": [line.amount_fen for line in chunk],
                "fees": [line.fee_fen for line in chunk],
                "coupons": [line.coupon_fen for line in chunk],
                "states": [line.state for line in chunk],
                "mch_ids": [line.mch_id for line in chunk],
                "currencies": [line.currency for line in chunk],
                "moments": [line.traded_at for line in chunk],
            },
        )
        count += len(chunk)
        moved = [line for line in chunk if line.has_moved]
        paid += sum(line.amount_fen for line in moved if line.kind == rules.PAYMENT)
        back += sum(line.amount_fen for line in moved if line.kind == rules.REFUND)
        fees += sum(line.fee_fen for line in chunk)
    return count, paid, back, fees


def _match(uow: UnitOfWork, terms: Terms, day: date) -> Matched:
    values = {
        **vars(terms),
        "day": day,
        "begins": rules.begins(day),
        "ends": rules.begins(day + timedelta(days=1)),
        "now": uow.now,
    }
    for is_proof in (False, True):
        uow.session.execute(statements.PROVE, {**values, "is_proof": is_proof})
    row = uow.session.execute(statements.MATCH, values).one()
    bill = queries.get_bill(uow.session, terms.merchant, day)
    if row.opened:
        _tell_operators(uow, terms.merchant, day, row.opened)
    return Matched(bill.line_count, row.opened, row.vanished)


def match_again(uow: UnitOfWork, terms: Terms, day: date) -> Matched | None:
    """Match a recorded bill with what is known by now; None where it was not recorded."""
    bill = uow.session.get(Bill, (terms.merchant, day))
    if bill is None or bill.state == rules.WANTED:
        return None
    return _match(uow, terms, day)


def _tell_operators(uow: UnitOfWork, merchant: str, day: date, count: int) -> None:
    notice = NewNotice(
        OPS,
        None,
        "bill_differs",
        f"bill:{merchant}:{day}:{uow.now.isoformat()}",
        f"{day} 的微信对账单（{merchant}）有 {count} 处差异，请核对。",
        f"WeChat's bill of {day} ({merchant}) differs in {count} places; see to it.",
    )
    staff_notices.notify(uow, [notice])


def explain(uow: UnitOfWork, case_id: UUID, by: str, note: str) -> ReconciliationCase:
    """Note why a difference is as it is; raises NotFound and WrongState."""
    case = uow.session.get(
        ReconciliationCase, case_id, with_for_update=True, populate_existing=True
    )
    if case is None:
        raise NotFound("difference")
    rules.CASE_STATES.check(case.state, rules.EXPLAINED)
    case.state, case.note, case.explained_by = rules.EXPLAINED, note, by
    case.changed_at = uow.now
    uow.session.flush()
    return case
