"""What may be done with the money and the recipients of a programme, and when."""

from mall.kernel.errors import DomainError
from mall.kernel.states import Transitions
from orders.programmes import rules as programme_rules

RECORDED, CONFIRMED, REJECTED = "recorded", "confirmed", "rejected"
TRANSFER, PAYOUT = "transfer", "payout"
FUNDING_STATES = Transitions(
    "funding", {RECORDED: {CONFIRMED, REJECTED}, CONFIRMED: set(), REJECTED: set()}
)
PROPOSED, APPLIED = "proposed", "applied"
CHANGE_STATES = Transitions(
    "programme_change", {PROPOSED: {APPLIED, REJECTED}, APPLIED: set(), REJECTED: set()}
)
ADD, WITHDRAW = "add", "withdraw"
# While money may come in, and while recipients may change.
FUNDABLE = (
    programme_rules.APPROVED,
    programme_rules.FUNDED,
    programme_rules.ISSUING,
    programme_rules.ACTIVE,
)
CHANGEABLE = FUNDABLE
CHUNK = 2000
MAX_UNIT_ORDER = 20_000
MAX_NATIVE_FEN = 500_000


class NotFundable(DomainError):
    code = "not_fundable"


class BankReferenceUsed(DomainError):
    code = "bank_reference_used"


class NothingDue(DomainError):
    code = "nothing_due"


class TooMuchForNative(DomainError):
    code = "too_much_for_native"


class PayoutTooLarge(DomainError):
    code = "payout_too_large"


class AlreadyListed(DomainError):
    code = "already_listed"


class AlreadyOrdered(DomainError):
    code = "already_ordered"


def check_fundable(state: str) -> None:
    """Raise NotFundable unless a programme takes money in this state."""
    if state not in FUNDABLE:
        raise NotFundable(state=programme_rules.STATES.name(state))


def check_active(state: str) -> None:
    """Raise WrongState unless a programme is active."""
    if state != programme_rules.ACTIVE:
        raise programme_rules.STATES.refusal(state, programme_rules.CLOSED)


def allowed_payout(state: str, balance_fen: int, to_issue_fen: int) -> int:
    """Return how much of a fund may go back to the union: what no one is to be issued any more."""
    if state in (programme_rules.ISSUING, programme_rules.ACTIVE):
        return max(0, balance_fen - to_issue_fen)
    return balance_fen
