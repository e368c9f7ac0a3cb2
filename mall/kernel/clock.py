"""The time, which tests can freeze and move."""

import time
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from typing import TypeVar

Item = TypeVar("Item")

BEIJING = timezone(timedelta(hours=8), "Asia/Shanghai")

# What requests, sheets and messages may name: long ago and for ever are neither.
FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2100, 12, 31)
# What tells of a life before the mall may: who joined a union, since when a licence holds.
FIRST_DAY_OF_HISTORY = date(1900, 1, 1)
_FIRST = datetime(2000, 1, 1, tzinfo=UTC)
_AFTER_LAST = datetime(2101, 1, 1, tzinfo=UTC)

_frozen: datetime | None = None
_offset = timedelta(0)


def now() -> datetime:
    """Return this instant in UTC."""
    return _frozen if _frozen is not None else datetime.now(UTC) + _offset


def beijing_day(at: datetime) -> date:
    """Return the day in Beijing, by which documents, sales and months begin and end."""
    return at.astimezone(BEIJING).date()


def known_moment(at: datetime) -> datetime | None:
    """Return a moment in UTC if it is from 2000 to 2100; None for any other and for one of no zone."""
    if at.tzinfo is None:
        return None
    try:
        moment = at.astimezone(UTC)
    except (OverflowError, ValueError):
        return None
    return moment if _FIRST <= moment < _AFTER_LAST else None


def is_known_day(day: date, first: date = FIRST_DAY) -> bool:
    """Tell whether a day is from 2000, or from the first that is meant, to 2100."""
    return first <= day <= LAST_DAY


def within(seconds: float, items: Iterable[Item]) -> Iterator[Item]:
    """Give items one by one until the time is over; what is left waits for the next run."""
    ends = time.monotonic() + seconds
    for item in items:
        if time.monotonic() > ends:
            return
        yield item


def freeze(instant: datetime | None) -> None:
    """Stop the clock at `instant`, or let it run again with None."""
    global _frozen
    _frozen = instant


def shift(delta: timedelta) -> None:
    """Set how far this process's clock is off; zero puts it right."""
    global _offset
    _offset = delta
