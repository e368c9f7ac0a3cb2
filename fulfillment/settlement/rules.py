"""What a supplier earns, and the life of a statement (docs/adr/0024). Amounts in fen."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol
from uuid import UUID

from mall.kernel.errors import DomainError, Invalid
from mall.kernel.states import Transitions
from mall.kernel.text import wording

SALE, REFUND, FREIGHT, FREIGHT_REFUND, ADJUSTMENT = KINDS = (
    *("sale", "refund", "freight", "freight_refund", "adjustment"),
)
DRAFT, CONFIRMED, DISPUTED = "draft", "confirmed", "disputed"
WITHDRAWN, PAID = "withdrawn", "paid"
# Not agreed to yet; a supplier has one of these at a time.
WAITING = (DRAFT, DISPUTED)
STATES = Transitions(
    "settlement_statement",
    {
        DRAFT: {CONFIRMED, DISPUTED, WITHDRAWN},
        DISPUTED: {CONFIRMED, WITHDRAWN},
        CONFIRMED: {PAID},
        WITHDRAWN: set(),
        PAID: set(),
    },
)
WHOLE_BPS = 10_000
MAX_ADJUSTMENT_FEN = 100_000_000_00


class NothingToSettle(DomainError):
    code = "nothing_to_settle"


class StatementOpen(DomainError):
    code = "statement_open"


class ReferenceUsed(DomainError):
    code = "payout_reference_used"


@dataclass(frozen=True)
class GivenBack:
    """What went back of a line or of freight, and for how many units that never left."""

    id: UUID
    amount_fen: int
    unsent: int
    at: datetime


@dataclass(frozen=True)
class SoldLine:
    """A delivered line: what it cost, and all that went back of it."""

    id: UUID
    title: str
    quantity: int
    amount_fen: int
    back: Sequence[GivenBack]


@dataclass(frozen=True)
class Item:
    """An item of a line or of freight, before it is written down."""

    reference: str
    kind: str
    title: str
    quantity: int
    amount_fen: int
    commission_bps: int
    commission_fen: int
    at: datetime


def commission(amount_fen: int, bps: int) -> int:
    """Return so many ten-thousandths of an amount, rounded half up."""
    return (2 * amount_fen * bps + WHOLE_BPS) // (2 * WHOLE_BPS)


def items_of_line(line: SoldLine, bps: int, delivered_at: datetime) -> list[Item]:
    """Return the sale of a delivered line and everything that went back of it, oldest first.

    Units that never left are no sale. The commission is always that of what is left.
    """
    unsent = [each for each in line.back if each.unsent]
    left = line.amount_fen - sum(each.amount_fen for each in unsent)
    sent = line.quantity - sum(each.unsent for each in unsent)
    kept = commission(left, bps)
    items = [Item(f"sale:{line.id}", SALE, line.title, sent, left, bps, kept, delivered_at)]
    for each in line.back:
        if each.unsent:
            continue
        left -= each.amount_fen
        now_kept = commission(left, bps)
        items.append(
            Item(
                f"refund:{each.id}",
                REFUND,
                line.title,
                0,
                -each.amount_fen,
                bps,
                now_kept - kept,
                each.at,
            )
        )
        kept = now_kept
    return items


def items_of_freight(
    reference: str, fee_fen: int, back: Iterable[GivenBack], delivered_at: datetime
) -> list[Item]:
    """Return a supplier's freight of an order and what went back of it; it bears no commission."""
    title = wording.name("settlement_item", FREIGHT).zh
    items = [Item(f"freight:{reference}", FREIGHT, title, 1, fee_fen, 0, 0, delivered_at)]
    items += [
        Item(f"refund:{each.id}", FREIGHT_REFUND, title, 0, -each.amount_fen, 0, 0, each.at)
        for each in back
    ]
    return items


class Counted(Protocol):
    """What a statement is summed from."""

    @property
    def kind(self) -> str: ...

    @property
    def amount_fen(self) -> int: ...

    @property
    def commission_fen(self) -> int: ...


def totals(items: Iterable[Counted]) -> dict[str, int]:
    """Return the sums of a statement by what they are for."""
    found = dict.fromkeys(
        ("item_count", "sales_fen", "freight_fen", "refunds_fen", "adjustments_fen"), 0
    )
    found["commission_fen"] = 0
    column = {
        SALE: "sales_fen",
        FREIGHT: "freight_fen",
        REFUND: "refunds_fen",
        FREIGHT_REFUND: "refunds_fen",
        ADJUSTMENT: "adjustments_fen",
    }
    for each in items:
        found["item_count"] += 1
        found[column[each.kind]] += each.amount_fen
        found["commission_fen"] += each.commission_fen
    found["net_fen"] = sum(
        found[name] for name in ("sales_fen", "freight_fen", "refunds_fen", "adjustments_fen")
    )
    found["net_fen"] -= found["commission_fen"]
    return found


def check_period(ends_on: date, today: date) -> None:
    """Raise Invalid for a period that is not over."""
    if ends_on >= today:
        raise Invalid("ends_on", "period_not_over")


def check_adjustment(amount_fen: int) -> None:
    """Raise Invalid for an adjustment of nothing."""
    if amount_fen == 0:
        raise Invalid("amount_fen", "amount_zero")


def month_before(today: date) -> date:
    """Return the last day of the month before a day."""
    return today.replace(day=1) - timedelta(days=1)
