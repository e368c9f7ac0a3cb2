"""How much an audit looks at on a day."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from mall.kernel.clock import BEIJING

ROUND = timedelta(days=7)
# Above so many changed rows of a table nothing is told apart: everything is looked at.
MOST_CHANGED = 200_000
# Transactions are counted with 32 bits: of two rows further apart nobody can say which is older.
MOST_AGE = 1_000_000_000
# Above so many batches with breaches the mark stays where it is.
MOST_SUSPECTS = 200


@dataclass(frozen=True)
class Pace:
    """How many things are looked at together: of a piece, and of what changed."""

    piece: int = 20_000
    batch: int = 5_000


def share_of_day(left: int, due_at: datetime, now: datetime, pace: Pace) -> int:
    """Return how many of those left in a round are looked at today; at least one piece."""
    day = timedelta(days=1)
    days = max(1, (due_at - now + day // 2) // day)
    return max(pace.piece, -(-left // days))


def batches(keys: Sequence[str], size: int) -> Iterator[list[str]]:
    """Return keys in batches."""
    for at in range(0, len(keys), size):
        yield list(keys[at : at + size])


def is_usable(basis: str, horizon: int, now_basis: str, next_transaction: int) -> bool:
    """Tell whether it can be said what was written since a mark."""
    age = next_transaction - horizon
    return basis == now_basis and 0 <= age < MOST_AGE


@dataclass
class Looked:
    """What an audit looked at."""

    # When the one before looked at what had changed; none if nothing follows from that.
    since: datetime | None = None
    changed: dict[str, int] = field(default_factory=dict)
    # Of everything else, by subject: how many today, how many until now, how many there are.
    today: dict[str, int] = field(default_factory=dict)
    reached: dict[str, int] = field(default_factory=dict)
    total: dict[str, int] = field(default_factory=dict)
    due_at: datetime | None = None
    suspects: int = 0
    # Why everything was looked at, where it was.
    reasons: list[str] = field(default_factory=list)

    @property
    def is_everything(self) -> bool:
        """Tell whether nothing at all was left out."""
        return all(self.today.get(name, 0) >= count for name, count in self.total.items())


def told(looked: Looked) -> list[str]:
    """Return in words what an audit looked at, and what not."""
    found = []
    if looked.since is not None:
        changed = _listed({name: f"{n:,}" for name, n in looked.changed.items() if n})
        found.append(f"looked at what changed since {_at(looked.since)}: {changed}")
    if looked.suspects:
        found.append(f"looked again at {looked.suspects} lots of things that had breaches")
    found += [f"{reason}: everything is looked at" for reason in looked.reasons]
    if looked.is_everything:
        return [*found, "looked at everything else, too"]
    shares = {
        name: f"{looked.today.get(name, 0):,} today, {looked.reached.get(name, 0):,} of {total:,}"
        for name, total in looked.total.items()
        if looked.today.get(name, 0) < total
    }
    found.append(f"looked at a share of everything else: {_listed(shares, '; ')}")
    ends = f" until {_at(looked.due_at)}" if looked.due_at else ""
    return [*found, f"not looked at: the rest of these, which follows{ends}; --full looks at all"]


def _at(moment: datetime) -> str:
    return f"{moment.astimezone(BEIJING):%Y-%m-%d %H:%M} in Beijing"


def _listed(counts: Mapping[str, str], between: str = ", ") -> str:
    named = [f"{each.replace('_', ' ')}s: {count}" for each, count in sorted(counts.items())]
    return between.join(named) or "nothing"
