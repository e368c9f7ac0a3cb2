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
    {
        OPEN: {PARTLY, DISPATCHED, CANCELLED},
        # Back again only where a hand-out at a counter is taken back.
        PARTLY: {DISPATCHED, OPEN},
        DISPATCHED: {DELIVERED, PARTLY, OPEN},
        DELIVERED: set(),
        CANCELLED: set(),
    },
    {
        OPEN: "待发货",
        PARTLY: "部分发货",
        DISPATCHED: "已发货",
        DELIVERED: "已收货",
        CANCELLED: "已取消",
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
    zh = "订单正在分派给商家，请稍后再试。"
    en = "The order is being handed to its suppliers; try again shortly."


class CollectedByVoucher(DomainError):
    code = "collected_by_voucher"
    zh = "自提商品凭提货码交付，不能发货。"
    en = "What is collected is handed out against vouchers, not dispatched."


class TooManyDispatched(DomainError):
    code = "too_many_dispatched"
    status = 422
    zh = "发货数量超过待发数量（剩余 {left}）。"
    en = "More than what is left to dispatch ({left})."


def split(lines: Iterable[Line]) -> dict[tuple[UUID, str], list[Line]]:
    """Group an order's lines by supplier and delivery mode, in the order of the lines."""
    groups: dict[tuple[UUID, str], list[Line]] = {}
    for line in lines:
        groups.setdefault((line.supplier_id, line.delivery_mode), []).append(line)
    return groups
