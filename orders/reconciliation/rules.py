"""What a bill says, line by line, and what a difference is called. Pure, in fen."""

import codecs
import io
import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from mall.kernel.clock import known_moment
from mall.kernel.errors import DomainError
from mall.kernel.states import Transitions
from mall.kernel.text import wording

PAYMENT, REFUND = "payment", "refund"
MOVED = {PAYMENT: ("SUCCESS", "REFUND"), REFUND: ("SUCCESS", "PROCESSING")}
# What becomes of a bill: wanted, fetched and matched, none that day, or not to be had yet.
WANTED, CHECKED, EMPTY = "wanted", "checked", "empty"
UNKNOWN, MISSING = "unknown_to_us", "missing_at_wechat"
AMOUNT, STATE, FEE = "amount_differs", "state_differs", "fee_differs"
# A further line about the same number; a line that is not about this merchant's yuan of that day;
# a line that WeChat settles at another sum than the member paid.
REPEATED, COUPON = "line_repeated", "coupon_used"
OTHER_MERCHANT, OTHER_CURRENCY, OTHER_DAY = "other_merchant", "other_currency", "other_day"
DIFFERENCES = (
    *(UNKNOWN, MISSING, AMOUNT, STATE, FEE),
    *(REPEATED, COUPON, OTHER_MERCHANT, OTHER_CURRENCY, OTHER_DAY),
)
# What each side says of these is an amount in fen; of the others it is a state or a name.
SAY_AMOUNTS = (UNKNOWN, MISSING, AMOUNT, FEE, REPEATED, COUPON)
OPEN, EXPLAINED, VANISHED = "open", "explained", "vanished"
CASE_STATES = Transitions(
    "bill_difference",
    {
        OPEN: {EXPLAINED, VANISHED},
        # Found once more with other figures, or at all.
        EXPLAINED: {OPEN, VANISHED},
        VANISHED: {OPEN},
    },
)
# WeChat has the bill of a day by nine in the morning of the next.
READY_AT = time(10, 0)
LOOK_BACK_DAYS = 31
MAX_LINES = 500_000
[_TOTALS_HEAD] = wording.heads("wechat_bill")["totals"]
RETRY = timedelta(minutes=10)
_BEIJING = timezone(timedelta(hours=8))
# Columns of a bill of kind ALL, from the contract.
_TRADED_AT, _MCH_ID, _TRANSACTION, _OUT_TRADE_NO, _TRADE_STATE = 0, 2, 5, 6, 9
_CURRENCY, _SETTLED, _COUPON, _REFUND_ID, _OUT_REFUND_NO = 11, 12, 13, 14, 15
_SETTLED_BACK, _COUPON_BACK, _REFUND_STATE, _NAME = 16, 17, 19, 20
_FEE, _PAID, _ASKED_BACK = 22, 24, 25
COLUMNS, TOTALS = 27, 7
# Which columns the line of totals sums up, in its own order; the fee is rounded there.
_SUMMED = (_SETTLED, _SETTLED_BACK, _COUPON_BACK, _FEE, _PAID, _ASKED_BACK)
_AMOUNT = re.compile(r"-?\d{1,12}(\.\d{1,5})?")
_CENT = Decimal("0.01")


@dataclass(frozen=True)
class Terms:
    """Whose bills are matched: our name for the merchant, WeChat's number for it, the agreed fee."""

    merchant: str
    mch_id: str
    # In ten-thousandths of a payment.
    fee_rate: int


class BillUnreadable(DomainError):
    code = "bill_unreadable"


@dataclass(frozen=True)
class BillLine:
    """One line of a bill: a payment under our number, or a refund under ours."""

    line: int
    kind: str
    number: str
    wechat_no: str
    amount_fen: int
    fee_fen: int
    coupon_fen: int
    state: str
    mch_id: str
    currency: str
    traded_at: datetime

    @property
    def has_moved(self) -> bool:
        """Tell whether money moved by what the line says: a refund that failed is listed, too."""
        return self.state in MOVED[self.kind]


def _yuan(text: str) -> Decimal:
    # As a person reads it: no exponent, no underscore, no digits of other scripts.
    if not text.isascii() or not _AMOUNT.fullmatch(text):
        raise ValueError(f"no amount: {text[:40]}")
    return Decimal(text)


def _fen(text: str) -> int:
    fen = _yuan(text) * 100
    if fen != int(fen):
        raise ValueError(f"a part of a fen: {text[:40]}")
    return int(fen)


def _fee_fen(text: str) -> int:
    # WeChat quotes fees with five decimals.
    return int((_yuan(text) * 100).quantize(Decimal(1), ROUND_HALF_UP))


def _text_of(content: bytes) -> Iterable[str]:
    """Return the lines of a bill: UTF-8, or GB 18030, which older accounts still get.

    Line by line: a bill of half a million lines is never in memory as text as a whole.
    """
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            for _ in codecs.iterdecode(_chunks(content), encoding):
                pass
        except UnicodeDecodeError:
            continue
        return io.TextIOWrapper(io.BytesIO(content), encoding)
    raise BillUnreadable(line=0, reason="neither UTF-8 nor GB 18030")


def _chunks(content: bytes) -> Iterator[bytes]:
    for start in range(0, len(content), 65_536):
        yield content[start : start + 65_536]


def _records(lines: Iterable[str]) -> Iterator[tuple[int, list[str]]]:
    """Give the number and the fields of each record, the heads left out.

    Fields are parted by a comma and a backtick, never quoted: a comma or a line break within a name
    is text. Only the name and what the shop attached can hold a comma and a backtick themselves.
    """
    record, began = "", 0
    for number, each in enumerate(itertools.chain(lines, ["`"]), start=1):
        line = each.removesuffix("\n")
        if line.startswith("`"):
            if record:
                yield began, _fields(record)
            record, began = line, number
        elif record and not line.startswith(_TOTALS_HEAD):
            record += f"\n{line}"


def _fields(record: str) -> list[str]:
    fields = [field.strip() for field in record.removeprefix("`").split(",`")]
    extra = len(fields) - COLUMNS
    if extra > 0:
        fields[_NAME : _NAME + extra + 1] = [",`".join(fields[_NAME : _NAME + extra + 1])]
    return fields


def lines_of(content: bytes) -> Iterator[BillLine]:
    """Read a bill line by line and check its totals; raises BillUnreadable."""
    count, sums = 0, [Decimal(0)] * len(_SUMMED)
    totals_at = 0
    for number, fields in _records(_text_of(content)):
        try:
            if totals_at:
                raise ValueError("something follows the totals")
            if len(fields) == TOTALS:
                _check_totals(fields, count, sums)
                totals_at = number
                continue
            if len(fields) != COLUMNS:
                raise ValueError("neither a line nor totals")
            line = _line(number, fields)
            sums = [
                total + _yuan(fields[column]) for total, column in zip(sums, _SUMMED, strict=True)
            ]
        except (ValueError, InvalidOperation) as error:
            raise BillUnreadable(line=number, reason=str(error)[:200]) from error
        count += 1
        if count > MAX_LINES:
            raise BillUnreadable(line=number, reason=f"more than {MAX_LINES} lines")
        yield line
    if not totals_at:
        raise BillUnreadable(line=0, reason="no totals: it is cut off")


def _line(number: int, fields: list[str]) -> BillLine:
    is_refund = fields[_OUT_REFUND_NO] not in ("", "0")
    moment = datetime.strptime(f"{fields[_TRADED_AT]}+0800", "%Y-%m-%d %H:%M:%S%z")
    if known_moment(moment) is None:
        raise ValueError(f"a trade of {fields[_TRADED_AT]}")
    return BillLine(
        line=number,
        kind=REFUND if is_refund else PAYMENT,
        number=fields[_OUT_REFUND_NO if is_refund else _OUT_TRADE_NO],
        wechat_no=fields[_REFUND_ID if is_refund else _TRANSACTION],
        amount_fen=_fen(fields[_ASKED_BACK if is_refund else _PAID]),
        fee_fen=_fee_fen(fields[_FEE]),
        coupon_fen=_fen(fields[_COUPON_BACK if is_refund else _COUPON]),
        state=fields[_REFUND_STATE if is_refund else _TRADE_STATE],
        mch_id=fields[_MCH_ID],
        currency=fields[_CURRENCY],
        traded_at=moment,
    )


def _check_totals(fields: list[str], count: int, sums: list[Decimal]) -> None:
    told = [_yuan(field) for field in fields[1:]]
    is_same = all(
        abs(there - ours) < _CENT if column == _FEE else there == ours
        for there, ours, column in zip(told, sums, _SUMMED, strict=True)
    )
    if fields[0] != str(count) or not is_same:
        ours = (count, *map(str, sums))
        raise ValueError(f"its totals are not those of the lines: {fields}, not {ours}")


def begins(day: date) -> datetime:
    """Return the instant at which a day begins in Beijing."""
    return datetime.combine(day, time(), _BEIJING)


def wanted_days(now: datetime, since: date) -> list[date]:
    """Return the days whose bills WeChat has by now, from `since` on, a month back at most."""
    local = now.astimezone(_BEIJING)
    newest = local.date() - timedelta(days=1 if local.time() >= READY_AT else 2)
    oldest = max(since, newest - timedelta(days=LOOK_BACK_DAYS - 1))
    return [oldest + timedelta(days=n) for n in range((newest - oldest).days + 1)]
