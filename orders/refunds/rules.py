"""What a refund may become, and when to try again."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from mall.kernel.errors import DomainError
from mall.kernel.money import split_by_weight
from mall.kernel.states import Transitions

REQUESTED, ACCEPTED, SUCCEEDED, FAILED = "requested", "accepted", "succeeded", "failed"
SETTLED = "settled"
STATES = Transitions(
    "refund",
    {
        REQUESTED: {ACCEPTED, FAILED},
        ACCEPTED: {SUCCEEDED, FAILED},
        SUCCEEDED: set(),
        # An operator asks again where WeChat refused it, or pays another way.
        FAILED: {REQUESTED, SETTLED},
        SETTLED: set(),
    },
)
BANK, CASH, OTHER = "bank", "cash", "other"
CHANNELS = (BANK, CASH, OTHER)
LATE, OF_CANCELLED, OF_AFTER_SALES = PURPOSES = ("late", "cancelled", "after_sales")
# What WeChat calls a refund that ended: done, closed, or abnormal (the account is gone).
ENDED = {"SUCCESS": SUCCEEDED, "CLOSED": FAILED, "ABNORMAL": FAILED}


class NothingLeft(DomainError):
    code = "nothing_left_to_refund"


class RefundStands(DomainError):
    code = "refund_stands"


@dataclass(frozen=True)
class Settlement:
    """How an operator gave money back that WeChat could not."""

    channel: str
    channel_reference: str
    note: str = ""


@dataclass(frozen=True)
class TenderSplit:
    """What is left of a line or freight, by tender: each lot's part in fen, and WeChat's."""

    lots: Mapping[UUID, int]
    wechat_fen: int

    @property
    def total_fen(self) -> int:
        return sum(self.lots.values()) + self.wechat_fen

    def less(self, taken: "TenderSplit") -> "TenderSplit":
        """Return what is left after something went back."""
        lots = {lot: fen - taken.lots.get(lot, 0) for lot, fen in self.lots.items()}
        return TenderSplit(lots, self.wechat_fen - taken.wechat_fen)

    def part(self, amount_fen: int) -> "TenderSplit":
        """Return what an amount takes of each tender: by largest remainder over what is left.

        It sums exactly and takes no tender below nothing; raises NothingLeft beyond all of it.
        """
        if amount_fen > self.total_fen:
            raise NothingLeft("amount_fen", left_fen=self.total_fen)
        lot_ids = sorted(self.lots)
        weights = [*(self.lots[lot] for lot in lot_ids), self.wechat_fen]
        *lots, wechat = split_by_weight(amount_fen, weights)
        return TenderSplit(dict(zip(lot_ids, lots, strict=True)), wechat)


def retry_delay(attempts: int) -> timedelta:
    """Return how long to wait before the next try: 10 s, doubling, an hour at most."""
    return min(timedelta(seconds=10) * 2 ** min(attempts, 12), timedelta(hours=1))
