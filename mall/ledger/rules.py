"""Which lots pay which lines: exact, soonest expiry first, narrowest scope first.

The amounts that a set of lots can bring to a set of lines form a polymatroid. Filling the lots in
order of preference, each as far as it will go while earlier ones keep what they gave (augmenting
paths may only re-route them), therefore yields a maximum flow that is also the cheapest for the
preference order. `tests/mall/ledger/test_rules.py` compares it with a general min-cost flow.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from mall.kernel.errors import DomainError


@dataclass(frozen=True)
class Lot:
    """Beans of one grant that a member can still spend."""

    id: UUID
    balance_fen: int
    expires_at: datetime
    product_ids: frozenset[UUID] | None = None  # None: good for everything, freight included
    allows_top_up: bool = True
    programme_id: UUID | None = None

    def pays_for(self, product_id: UUID | None) -> bool:
        """Tell whether this lot may pay for a product; freight has no product."""
        return self.product_ids is None or product_id in self.product_ids

    @property
    def preference(self) -> tuple[datetime, int, int, UUID]:
        """Return the sort key of spending: soonest expiry, then narrowest scope."""
        is_open = self.product_ids is None
        width = 0 if self.product_ids is None else len(self.product_ids)
        return (self.expires_at, int(is_open), width, self.id)


@dataclass(frozen=True)
class Demand:
    """One line, or one supplier's freight, that is to be paid."""

    amount_fen: int
    product_id: UUID | None


@dataclass(frozen=True)
class Draw:
    """So much of this lot for that demand (by its index)."""

    lot_id: UUID
    demand_index: int
    amount_fen: int


@dataclass(frozen=True)
class Grant:
    """Beans given to one member; the reference makes it happen once."""

    member_id: UUID
    amount_fen: int
    expires_at: datetime
    programme: str
    reference: str
    scope_id: UUID | None = None


class NotEnoughBeans(DomainError):
    code = "not_enough_beans"


class FundShort(DomainError):
    code = "fund_short"


class UnknownScope(DomainError):
    code = "unknown_scope"


class GrantRepeated(DomainError):
    code = "grant_repeated"


def assign(
    lots: Sequence[Lot], demands: Sequence[Demand], limit_fen: int | None = None
) -> list[Draw]:
    """Choose what each lot pays; the draws cover as much as any assignment can.

    `limit_fen` caps the total. The order of lots and demands does not change the result.
    """
    ordered = sorted(lots, key=lambda lot: lot.preference)
    flow = [[0] * len(demands) for _ in ordered]
    open_fen = [demand.amount_fen for demand in demands]
    allowed = [[lot.pays_for(demand.product_id) for demand in demands] for lot in ordered]
    left = sum(open_fen) if limit_fen is None else min(limit_fen, sum(open_fen))
    for index, lot in enumerate(ordered):
        supply = min(lot.balance_fen, left)
        while supply > 0:
            pushed = _push(index, supply, flow, open_fen, allowed)
            if pushed == 0:
                break
            supply -= pushed
            left -= pushed
    return [
        Draw(lot.id, j, flow[i][j])
        for i, lot in enumerate(ordered)
        for j in range(len(demands))
        if flow[i][j] > 0
    ]


def _push(
    start: int,
    supply: int,
    flow: list[list[int]],
    open_fen: list[int],
    allowed: list[list[bool]],
) -> int:
    """Send what one shortest augmenting path carries from a lot to an open demand."""
    came_from_lot: dict[int, int] = {}  # demand -> the lot that reaches it
    came_from_demand: dict[int, int] = {}  # lot -> the demand it gives way at
    queue, seen = deque([start]), {start}
    while queue:
        lot = queue.popleft()
        for demand, is_allowed in enumerate(allowed[lot]):
            if not is_allowed or demand in came_from_lot:
                continue
            came_from_lot[demand] = lot
            if open_fen[demand] > 0:
                return _send(demand, supply, flow, open_fen, (came_from_lot, came_from_demand))
            for other in range(len(flow)):
                if flow[other][demand] > 0 and other not in seen:
                    seen.add(other)
                    came_from_demand[other] = demand
                    queue.append(other)
    return 0


def _send(
    end: int,
    supply: int,
    flow: list[list[int]],
    open_fen: list[int],
    trail: tuple[dict[int, int], dict[int, int]],
) -> int:
    from_lot, from_demand = trail
    steps: list[tuple[int, int, int]] = []  # (lot, demand, +1 or -1)
    amount, demand = min(supply, open_fen[end]), end
    while True:
        lot = from_lot[demand]
        steps.append((lot, demand, 1))
        if lot not in from_demand:
            break
        demand = from_demand[lot]
        steps.append((lot, demand, -1))
        amount = min(amount, flow[lot][demand])
    for lot, at, sign in steps:
        flow[lot][at] += sign * amount
    open_fen[end] -= amount
    return amount
