"""After-sales: what may be asked for, the life of a case, and what silence means (docs/adr/0018)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from mall.kernel.errors import DomainError
from mall.kernel.states import Transitions

REFUND_ONLY, RETURN, EXCHANGE = "refund_only", "return_and_refund", "exchange"
KINDS = (REFUND_ONLY, RETURN, EXCHANGE)
MAX_PHOTOS = 9
SILENCE = "system"


@dataclass(frozen=True)
class Reason:
    """Why something comes back; what is the supplier's fault brings the freight back as well."""

    is_suppliers_fault: bool


REASONS: Mapping[str, Reason] = {
    "no_longer_wanted": Reason(False),
    "does_not_fit": Reason(False),
    "not_as_described": Reason(True),
    "damaged": Reason(True),
    "bad_quality": Reason(True),
    "wrong_item": Reason(True),
    "too_few": Reason(True),
    "not_received": Reason(True),
    "near_expiry": Reason(True),
}

REQUESTED, AWAITING_RETURN, IN_RETURN = "requested", "awaiting_return", "in_return"
RECEIVED, REJECTED, APPEALED = "received", "rejected", "appealed"
REFUNDED, REPLACED = "refunded", "replaced"
WITHDRAWN, DISMISSED, LAPSED = "withdrawn", "dismissed", "lapsed"
STATES = Transitions(
    "after_sales_case",
    {
        REQUESTED: {AWAITING_RETURN, REFUNDED, REPLACED, REJECTED, WITHDRAWN},
        AWAITING_RETURN: {IN_RETURN, WITHDRAWN, LAPSED},
        IN_RETURN: {RECEIVED},
        RECEIVED: {REFUNDED, REPLACED, REJECTED},
        REJECTED: {APPEALED, WITHDRAWN, LAPSED},
        APPEALED: {AWAITING_RETURN, REFUNDED, REPLACED, DISMISSED, WITHDRAWN},
        REFUNDED: set(),
        REPLACED: set(),
        WITHDRAWN: set(),
        DISMISSED: set(),
        LAPSED: set(),
    },
)
ENDED = (REFUNDED, REPLACED, WITHDRAWN, DISMISSED, LAPSED)
# In these the units are not available to another case: it goes on, or they went back.
CLAIMING = tuple(s for s in STATES.states if s == REFUNDED or s not in ENDED)


class NothingToAsk(DomainError):
    code = "nothing_to_ask"


class NotSentYet(DomainError):
    code = "not_sent_yet"


class TooLate(DomainError):
    code = "after_sales_over"


class AmountTooHigh(DomainError):
    code = "amount_too_high"


class NoReturnAddress(DomainError):
    code = "no_return_address"


class ExchangeSoldOut(DomainError):
    code = "exchange_sold_out"


@dataclass(frozen=True)
class Request:
    """What a member asks for: so many units of a line, why, and how much at most."""

    line_id: UUID
    kind: str
    quantity: int
    reason: str
    description: str = ""
    photos: Sequence[str] = ()
    amount_fen: int | None = None
    needs_return: bool = True


@dataclass(frozen=True)
class Units:
    """How many of a line are where, and how many of them other cases have claimed.

    A unit that was exchanged counts as one that left; until the goods that replace it have left,
    too, it is claimed by them.
    """

    unsent: int
    sent: int
    claimed_sent: int
    # What replaces units, by replacement: how many of it have not left and may.
    replacing_unsent: tuple[int, ...] = ()

    @property
    def free_sent(self) -> int:
        return self.sent - self.claimed_sent


ORIGINAL, REPLACING, SENT = "original", "replacing", "sent"


def units_for(request: Request, units: Units) -> str:
    """Tell which units a request is about; raises NothingToAsk and NotSentYet.

    A refund takes units that never left first: those of the order, then those of a replacement that
    is not on its way, so that nobody gets money and goods. What has left can be returned or
    exchanged.
    """
    if request.kind == REFUND_ONLY:
        if request.quantity <= units.unsent:
            return ORIGINAL
        if request.quantity <= max(units.replacing_unsent, default=0):
            return REPLACING
    if request.quantity <= units.free_sent:
        return SENT
    most_unsent = max(units.unsent, *units.replacing_unsent, 0)
    if request.kind != REFUND_ONLY and most_unsent:
        raise NotSentYet("kind", unsent=most_unsent, sent=units.free_sent)
    raise NothingToAsk("quantity", left=max(units.free_sent, most_unsent))


def check_amount(asked_fen: int | None, most_fen: int) -> int:
    """Return how much a case is about: what was asked, or all; raises AmountTooHigh."""
    if asked_fen is None:
        return most_fen
    if not 0 < asked_fen <= most_fen:
        raise AmountTooHigh("amount_fen", most_fen=most_fen)
    return asked_fen


def check_window(delivered_at: datetime | None, now: datetime, window: timedelta) -> None:
    """Raise TooLate once the time after delivery is over; before delivery there is always time."""
    if delivered_at is not None and now > delivered_at + window:
        raise TooLate(days=window.days)


@dataclass(frozen=True)
class Limits:
    """How long each side has, in seconds."""

    decide: int
    send_back: int
    inspect: int
    appeal: int

    def due(self, state: str, now: datetime) -> datetime | None:
        """Return when silence decides in a state; None where nobody is waited for."""
        seconds = {
            REQUESTED: self.decide,
            AWAITING_RETURN: self.send_back,
            IN_RETURN: self.inspect,
            RECEIVED: self.decide,
            REJECTED: self.appeal,
        }.get(state)
        return None if seconds is None else now + timedelta(seconds=seconds)
