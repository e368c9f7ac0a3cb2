"""The life of a fulfillment order, and how an order splits into them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol, TypeVar
from uuid import UUID

from mall.kernel.errors import DomainError
from mall.kernel.states import Transitions

OPEN, PARTLY, DISPATCHED, DELIVERED = "open", "partly_dispatched", "dispatched", "delivered"
CANCELLED = "cancelled"
SHIP, UNIT, PICKUP = "ship", "unit_delivery", "store_pickup"
STATES = Transitions(
    "fulfillment_order",
    {
        OPEN: {PARTLY, DISPATCHED, CANCELLED},
        # Back again only where a hand-out at a counter is taken back.
        PARTLY: {DISPATCHED, OPEN},
        DISPATCHED: {DELIVERED, PARTLY, OPEN},
        DELIVERED: set(),
        CANCELLED: set(),
    },
)


class OrderedLine(Protocol):
    """What splitting must know of an order's line."""

    @property
    def supplier_id(self) -> UUID: ...

    @property
    def delivery_mode(self) -> str: ...


Line = TypeVar("Line", bound=OrderedLine)


@dataclass(frozen=True)
class DispatchItem:
    """So many of a line that go into a parcel."""

    line_id: UUID
    quantity: int


class NotSplitYet(DomainError):
    code = "not_split_yet"


class CollectedByVoucher(DomainError):
    code = "collected_by_voucher"


class TooManyDispatched(DomainError):
    code = "too_many_dispatched"


def split(lines: Iterable[Line]) -> dict[tuple[UUID, str], list[Line]]:
    """Group an order's lines by supplier and delivery mode, in the order of the lines."""
    groups: dict[tuple[UUID, str], list[Line]] = {}
    for line in lines:
        groups.setdefault((line.supplier_id, line.delivery_mode), []).append(line)
    return groups
