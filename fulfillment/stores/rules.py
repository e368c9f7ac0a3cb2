"""When a store is open, what it hands out, and what is refused."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Any, Protocol
from uuid import UUID

from mall.kernel.clock import BEIJING
from mall.kernel.errors import DomainError, Invalid

MAX_STORES, MAX_CLERKS = 500, 50
MAX_DAYS_AHEAD = 60
CLERK = "store_clerk"
# What of a store is agreed with whoever chooses it: what it is called, where it is, its number.
PLACE = ("name", "region_code", "detail", "latitude", "longitude", "phone")


@dataclass(frozen=True)
class Hours:
    """When a store is open on a weekday; 1 is Monday."""

    weekday: int
    opens: time
    closes: time


@dataclass(frozen=True)
class StoreForm:
    """What a merchant says of a store."""

    name: str
    region_code: str
    detail: str
    latitude: float
    longitude: float
    phone: str
    hours: Sequence[Hours]
    closed_on: Sequence[date] = ()
    product_ids: Sequence[UUID] | None = None
    daily_capacity: int | None = None
    lead_hours: int = 0
    slot_minutes: int = 120


@dataclass(frozen=True)
class Slot:
    """A time in which something can be collected."""

    starts_at: datetime
    ends_at: datetime


class Collected(Protocol):
    """A line of an order that is collected at a store."""

    @property
    def title(self) -> str: ...

    @property
    def product_id(self) -> UUID: ...

    @property
    def quantity(self) -> int: ...


class SlotUnknown(DomainError):
    code = "slot_unknown"


class SlotTooSoon(DomainError):
    code = "slot_too_soon"


class DayFull(DomainError):
    code = "store_day_full"


class NotHonoured(DomainError):
    code = "not_honoured"


class StoreNameTaken(DomainError):
    code = "store_name_taken"


class StoreClosed(DomainError):
    code = "store_closed"


class TooLateToChange(DomainError):
    code = "pickup_too_late_to_change"


class NothingToCollect(DomainError):
    code = "nothing_to_collect"


def check_form(form: StoreForm) -> None:
    """Raise Invalid for hours that end before they begin or overlap."""
    by_day: dict[int, list[Hours]] = {}
    for each in form.hours:
        if each.opens >= each.closes:
            raise Invalid("hours", "store_hours_reversed")
        by_day.setdefault(each.weekday, []).append(each)
    for found in by_day.values():
        found.sort(key=lambda hours: hours.opens)
        if any(a.closes > b.opens for a, b in pairwise(found)):
            raise Invalid("hours", "store_hours_overlap")


def as_rows(hours: Sequence[Hours]) -> list[dict[str, Any]]:
    """Return hours as they are stored."""
    return [
        {"weekday": h.weekday, "opens": f"{h.opens:%H:%M}", "closes": f"{h.closes:%H:%M}"}
        for h in hours
    ]


def slots(
    hours: Sequence[Mapping[str, Any]], closed_on: Sequence[str], day: date, minutes: int
) -> list[Slot]:
    """Return the times of a day in Beijing; what is left of the hours at the end is none."""
    if day.isoformat() in closed_on:
        return []
    found = []
    length = timedelta(minutes=minutes)
    for each in hours:
        if each["weekday"] != day.isoweekday():
            continue
        starts = datetime.combine(day, time.fromisoformat(each["opens"]), BEIJING)
        closes = datetime.combine(day, time.fromisoformat(each["closes"]), BEIJING)
        while starts + length <= closes:
            found.append(Slot(starts, starts + length))
            starts += length
    return sorted(found, key=lambda slot: slot.starts_at)


def honours(product_ids: Sequence[str] | None, product_id: UUID) -> bool:
    """Tell whether a store with this list hands a product out."""
    return product_ids is None or str(product_id) in product_ids
