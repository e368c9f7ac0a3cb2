"""What a parcel's events say, in whatever order they came (docs/adr/0023)."""

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from mall.kernel.errors import DomainError, Invalid

SENT, COLLECTED, IN_TRANSIT, OUT = "sent", "collected", "in_transit", "out_for_delivery"
WAITING, DELIVERED, TROUBLE = "waiting_for_pickup", "delivered", "trouble"
RETURNING, RETURNED = "returning", "returned"
# Of two events of the same instant the later one in this list counts.
STATES = (
    *(SENT, COLLECTED, IN_TRANSIT, OUT, WAITING),
    *(TROUBLE, RETURNING, RETURNED, DELIVERED),
)
_RANK = {state: number for number, state in enumerate(STATES)}
REPORTABLE = tuple(state for state in STATES if state != SENT)
# Who is asked about a parcel: to be subscribed, subscribed, asked again and again, nobody.
WANTED, WATCHED, ASKED, ENDED = "wanted", "watched", "asked", "ended"
MAX_ATTEMPTS = 8
SILENT_AFTER = timedelta(hours=12)
# Carriers' numbers are used again: what is older is about somebody else's parcel.
BEFORE_DISPATCH = timedelta(days=1)
AHEAD = timedelta(minutes=10)
MAX_EVENTS, MAX_TEXT = 200, 500


class TooManyEvents(DomainError):
    code = "too_many_events"


@dataclass(frozen=True)
class Report:
    """One event of a parcel as somebody reports it."""

    happened_at: datetime
    state: str
    text: str
    place: str = ""


class Happened(Protocol):
    """What the state of a parcel is told from."""

    @property
    def happened_at(self) -> datetime: ...

    @property
    def state(self) -> str: ...


def state_of(events: Iterable[Happened]) -> str:
    """Return what the latest event says; a parcel without any was sent."""
    latest = max(events, key=lambda each: (each.happened_at, _RANK[each.state]), default=None)
    return SENT if latest is None else latest.state


def belongs(report: Report, dispatched_at: datetime, now: datetime) -> bool:
    """Tell whether an event can be of a parcel that was dispatched then."""
    return dispatched_at - BEFORE_DISPATCH <= report.happened_at <= now + AHEAD


def check_by_hand(report: Report, dispatched_at: datetime, now: datetime) -> None:
    """Raise Invalid for an event that a person dates before the dispatch or after now."""
    if not belongs(report, dispatched_at, now):
        raise Invalid("happened_at", "event_time_wrong")


def digest(report: Report) -> str:
    """Return what makes two reports of an event the same."""
    text = f"{report.happened_at.isoformat()}|{report.text}"
    return hashlib.sha256(text.encode()).hexdigest()


def salt_of(shipment_id: UUID, secret: str) -> str:
    """Return the salt that signs pushes about a parcel; kept nowhere but at the aggregator."""
    found = hmac.new(secret.encode(), b"tracking:" + shipment_id.bytes, hashlib.sha256)
    return found.hexdigest()[:32]


def next_try(attempts: int, now: datetime) -> datetime:
    """Return when a subscription is tried again: half a minute, doubling, six hours at most."""
    return now + min(timedelta(seconds=30 * 2**attempts), timedelta(hours=6))
