"""Targets of consumption assistance and how far a union is; pure arithmetic, in fen."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from mall.kernel.errors import DomainError, Invalid

FIRST_YEAR, LAST_YEAR = 2020, 2100
# A union is reminded once it has done less than nine tenths of what the days gone by ask for.
BEHIND_TENTHS = 9


@dataclass(frozen=True)
class TargetForm:
    """A target in fen, or the share of a budget that is reserved for it; never both."""

    target_fen: int | None = None
    budget_fen: int | None = None
    share_bps: int | None = None
    counts_members: bool = False

    def amount_fen(self) -> int:
        """Return the target; raise Invalid where the form does not say exactly one."""
        if (self.target_fen is None) == (self.share_bps is None):
            raise Invalid("target_fen", "target_or_share")
        if self.target_fen is not None:
            return self.target_fen
        if self.budget_fen is None:
            raise Invalid("budget_fen", "share_without_budget")
        assert self.share_bps is not None
        # Rounded up: what is reserved is reached only in full.
        return -(-self.budget_fen * self.share_bps // 10_000)


@dataclass(frozen=True)
class Month:
    """What was bought from assisted suppliers in one month."""

    month: int
    union_fen: int
    members_fen: int


class NoTarget(DomainError):
    code = "no_assistance_target"


def expected_fen(target_fen: int, year: int, on: date) -> int:
    """Return what should be done by the end of a day if every day bore the same share."""
    days = (date(year + 1, 1, 1) - date(year, 1, 1)).days
    gone = min(max((on - date(year, 1, 1)).days + 1, 0), days)
    return target_fen * gone // days


def done_fen(months: Sequence[Month], counts_members: bool) -> int:
    """Return what counts towards the target."""
    return sum(each.union_fen + (each.members_fen if counts_members else 0) for each in months)


def is_behind(target_fen: int, year: int, on: date, done: int) -> bool:
    """Tell whether a union has done too little for the days gone by."""
    return done * 10 < expected_fen(target_fen, year, on) * BEHIND_TENTHS
