"""When a union may accept what came for a programme, and when its books may be closed."""

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from fulfillment.dispatch import rules as dispatch_rules
from mall.kernel.errors import DomainError, Invalid
from mall.kernel.ids import ALPHABET
from mall.kernel.states import Transitions

HANDED_OUT, KEPT, FORWARDED = "handed_out", "kept", "forwarded"
HAND_OUTS = Transitions(
    "hand_out", {KEPT: {HANDED_OUT, FORWARDED}, HANDED_OUT: set(), FORWARDED: set()}
)
SCAN, TICK = "scan", "tick"
REFUND, REPLACE = "refund", "replace"
WISHES = (REFUND, REPLACE)
MAX_TICKS = 500
CODE_LENGTH = 16


class LoadReceived(DomainError):
    code = "load_received"


class AlreadyHandedOut(DomainError):
    code = "already_handed_out"


class NotForThem(DomainError):
    code = "not_handed_out_here"


class WrongHandOutCode(DomainError):
    code = "wrong_hand_out_code"


class ClaimsOpen(DomainError):
    code = "claims_open"


class NotArrived(DomainError):
    code = "not_arrived"


class FundNotEmpty(DomainError):
    code = "fund_not_empty"


class ValueStillOut(DomainError):
    code = "value_still_out"


@dataclass(frozen=True)
class Parts:
    """How many parts of a programme's orders are delivered this way and in this state."""

    delivery_mode: str
    state: str
    count: int


def check_arrived(parts: Iterable[Parts], unsplit: int) -> None:
    """Raise NotArrived unless everything is there.

    What goes to the unit counts as there once all of it is dispatched: accepting it delivers it.
    `unsplit` orders were paid an instant ago and have no parts yet.
    """
    unsent = missing = unsplit
    for each in parts:
        there = (dispatch_rules.DISPATCHED,) if each.delivery_mode == dispatch_rules.UNIT else ()
        if each.state in (dispatch_rules.DELIVERED, dispatch_rules.CANCELLED, *there):
            continue
        missing += each.count
        if each.state in (dispatch_rules.OPEN, dispatch_rules.PARTLY):
            unsent += each.count
    if missing:
        raise NotArrived(missing=missing, unsent=unsent)


class HandOutShare(Protocol):
    """Whose share at the unit it is."""

    @property
    def id(self) -> UUID: ...

    @property
    def programme_id(self) -> UUID: ...

    @property
    def name(self) -> str: ...

    @property
    def department(self) -> str: ...


@dataclass(frozen=True)
class Counted:
    """What an officer counted of a line in a parcel."""

    line_id: UUID
    received: int
    damaged: int = 0


def check_counted(index: int, sent: int, counted: Counted) -> int:
    """Return how many are short; raises Invalid for more than were sent."""
    short = sent - counted.received - counted.damaged
    if short < 0:
        raise Invalid(f"lines.{index}.received", "received_too_many", sent=sent)
    return short


def code_of(entitlement_id: UUID, secret: str) -> str:
    """Return the code that a member shows at the unit: the right, and 80 bits that prove it."""
    digest = hmac.new(secret.encode(), b"hand-out:" + entitlement_id.bytes, hashlib.sha256).digest()
    bits = int.from_bytes(digest[:10], "big")
    proof = "".join(ALPHABET[(bits >> (5 * place)) & 31] for place in range(CODE_LENGTH))
    return f"{entitlement_id.hex}-{proof}"


def read_code(text: str, secret: str) -> UUID:
    """Return the right that a code proves; raises WrongHandOutCode."""
    try:
        entitlement_id = UUID(text.strip().partition("-")[0])
    except ValueError as error:
        raise WrongHandOutCode("code") from error
    if not hmac.compare_digest(code_of(entitlement_id, secret).encode(), text.strip().encode()):
        raise WrongHandOutCode("code")
    return entitlement_id
