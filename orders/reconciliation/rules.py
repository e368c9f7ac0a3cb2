"""What a bill says, line by line, and what a difference is called. Pure, in fen."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from mall.kernel.errors import DomainError
from mall.kernel.states import Transitions

PAYMENT, REFUND = "payment", "refund"
# What becomes of a bill: wanted, fetched and matched, none that day, or not to be had yet.
WANTED, CHECKED, EMPTY = "wanted", "checked", "empty"
UNKNOWN, MISSING = "unknown_to_us", "missing_at_wechat"
AMOUNT, STATE, FEE = "amount_differs", "state_differs", "fee_differs"
DIFFERENCES = (UNKNOWN, MISSING, AMOUNT, STATE, FEE)
NAMES = {
    UNKNOWN: "微信有、我方无",
    MISSING: "我方有、微信无",
    AMOUNT: "金额不一致",
    STATE: "状态不一致",
    FEE: "手续费不一致",
}
OPEN, EXPLAINED, VANISHED = "open", "explained", "vanished"
CASE_STATES = Transitions(
    {
        OPEN: {EXPLAINED, VANISHED},
        # Found once more with other figures, or at all.
        EXPLAINED: {OPEN, VANISHED},
        VANISHED: {OPEN},
    },
    {OPEN: "待核对", EXPLAINED: "已说明", VANISHED: "已消失"},
)
# WeChat has the bill of a day by nine in the morning of the next.
READY_AT = time(10, 0)
LOOK_BACK_DAYS = 31
MAX_LINES = 500_000
RETRY = timedelta(minutes=10)
_BEIJING = timezone(timedelta(hours=8))
# Columns of a bill of kind ALL, from the contract.
_TRADED_AT, _MCH_ID, _TRANSACTION, _OUT_TRADE_NO, _TRADE_STATE = 0, 2, 5, 6, 9
_REFUND_ID, _OUT_REFUND_NO, _REFUND_STATE = 14, 15, 19
_FEE, _PAID, _ASKED_BACK = 22, 24, 25
COLUMNS = 27


class BillUnreadable(DomainError):
    code = "bill_unreadable"
    status = 502
    zh = "对账单第 {line} 行无法识别：{reason}。"
    en = "Line {line} of the bill cannot be read: {reason}."


@dataclass(frozen=True)
class BillLine:
    """One line of a bill: a payment under our number, or a refund under ours."""

    kind: str
    number: str
    wechat_no: str
    amount_fen: int
    fee_fen: int
    state: str
    traded_at: datetime


def _fen(text: str) -> int:
    return int((Decimal(text) * 100).quantize(Decimal(1), ROUND_HALF_UP))


def lines_of(text: bytes) -> Iterator[BillLine]:
    """Read a bill line by line and check its totals; raises BillUnreadable.

    Every field has a leading backtick; the last two lines are the totals' heads and the totals.
    """
    rows = csv.reader(io.TextIOWrapper(io.BytesIO(text), "utf-8-sig", newline=""))
    paid = back = count = 0
    for number, row in enumerate(rows, start=1):
        if not row or not row[0].startswith("`"):
            continue
        fields = [field.removeprefix("`").strip() for field in row]
        if len(fields) != COLUMNS:
            _check_totals(number, fields, (count, paid, back))
            return
        try:
            line = _line(fields)
        except (ValueError, InvalidOperation) as error:
            raise BillUnreadable(line=number, reason=str(error)[:80] or "amount") from error
        count += 1
        if count > MAX_LINES:
            raise BillUnreadable(line=number, reason=f"more than {MAX_LINES} lines")
        paid += line.amount_fen if line.kind == PAYMENT else 0
        back += line.amount_fen if line.kind == REFUND else 0
        yield line
    raise BillUnreadable(line=0, reason="no totals: it is cut off")


def _line(fields: list[str]) -> BillLine:
    is_refund = fields[_OUT_REFUND_NO] not in ("", "0")
    moment = datetime.strptime(f"{fields[_TRADED_AT]}+0800", "%Y-%m-%d %H:%M:%S%z")
    return BillLine(
        kind=REFUND if is_refund else PAYMENT,
        number=fields[_OUT_REFUND_NO if is_refund else _OUT_TRADE_NO],
        wechat_no=fields[_REFUND_ID if is_refund else _TRANSACTION],
        amount_fen=_fen(fields[_ASKED_BACK if is_refund else _PAID]),
        fee_fen=_fen(fields[_FEE]),
        state=fields[_REFUND_STATE if is_refund else _TRADE_STATE],
        traded_at=moment,
    )


def _check_totals(number: int, fields: list[str], ours: tuple[int, int, int]) -> None:
    try:
        told = (int(fields[0]), _fen(fields[5]), _fen(fields[6]))
    except (ValueError, IndexError, InvalidOperation) as error:
        raise BillUnreadable(line=number, reason="neither a line nor totals") from error
    if told != ours:
        raise BillUnreadable(line=number, reason=f"totals {told} are not those of the lines {ours}")


def begins(day: date) -> datetime:
    """Return the instant at which a day begins in Beijing."""
    return datetime.combine(day, time(), _BEIJING)


def wanted_days(now: datetime, since: date) -> list[date]:
    """Return the days whose bills WeChat has by now, from `since` on, a month back at most."""
    local = now.astimezone(_BEIJING)
    newest = local.date() - timedelta(days=1 if local.time() >= READY_AT else 2)
    oldest = max(since, newest - timedelta(days=LOOK_BACK_DAYS - 1))
    return [oldest + timedelta(days=n) for n in range((newest - oldest).days + 1)]
