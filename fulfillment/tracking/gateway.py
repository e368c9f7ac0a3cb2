"""What the mall needs of somebody who follows parcels of many carriers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from fulfillment.tracking.rules import Report

ACCEPTED, REFUSED, LATER = "accepted", "refused", "later"


@dataclass(frozen=True)
class TrackingNumber:
    """Whose parcel it is: our code of its carrier, its number, and four digits of a phone.

    Some carriers tell nobody but who knows the recipient's phone.
    """

    carrier: str
    tracking_no: str
    phone_end: str


@dataclass(frozen=True)
class Outcome:
    """What became of a request: accepted, refused for good, or to be made again."""

    state: str
    reason: str = ""


@dataclass(frozen=True)
class TrackingUpdate:
    """What is told of a parcel, and whether nothing more will be."""

    carrier: str
    tracking_no: str
    reports: Sequence[Report]
    is_over: bool = False
    is_lost: bool = False


class PushRefused(Exception):
    """A push that is not signed, or not understood."""


class TrackingGateway(Protocol):
    """Follows parcels; never raises for what the other side answers or fails to answer."""

    def subscribe(self, parcel: TrackingNumber, callback: str, salt: str) -> Outcome:
        """Ask to be told of a parcel's events at an address."""
        ...

    def ask(self, parcel: TrackingNumber) -> TrackingUpdate | None:
        """Return what is known of a parcel; None where there is no answer."""
        ...

    def parse_push(self, form: dict[str, str], salt: str) -> TrackingUpdate:
        """Return what a push says; raises NotBelieved."""
        ...
