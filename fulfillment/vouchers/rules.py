"""A voucher's code, and what may become of it."""

import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from mall.access.rules import at_most
from mall.kernel.clock import BEIJING
from mall.kernel.errors import DomainError, Invalid
from mall.kernel.ids import ALPHABET
from mall.kernel.states import Transitions

VALID, REDEEMED, REVOKED, EXPIRED = "valid", "redeemed", "revoked", "expired"
STATES = Transitions(
    "voucher",
    {VALID: {REDEEMED, REVOKED, EXPIRED}, REDEEMED: {VALID}, REVOKED: set(), EXPIRED: set()},
)
# 16 characters of 5 bits: nobody guesses 80 bits.
LENGTH = 16
# Digits of the short code, which works at its merchant's counters only.
SHORT_LENGTH = 10
UNDO_WITHIN = timedelta(minutes=10)
REMIND_BEFORE = timedelta(days=7)
MAX_EXTENSION = timedelta(days=730)
# Wrong codes: of a clerk, and of all clerks of a store.
CLERK_TRIES, CLERK_SPAN = 10, timedelta(minutes=10)
STORE_TRIES, STORE_SPAN = 30, timedelta(hours=1)
CLERK_GUESSES = at_most(CLERK_TRIES, CLERK_SPAN, "pickup_code")
STORE_GUESSES = at_most(STORE_TRIES, STORE_SPAN, "pickup_code_at_store")


class VoucherUsed(DomainError):
    code = "voucher_used"


class VoucherRevoked(DomainError):
    code = "voucher_revoked"


class VoucherExpired(DomainError):
    code = "voucher_expired"


class WrongStore(DomainError):
    code = "voucher_wrong_store"


class ShortCodeAmbiguous(DomainError):
    code = "short_code_ambiguous"


class UndoTooLate(DomainError):
    code = "undo_too_late"


class NotUsed(DomainError):
    code = "voucher_not_used"


class AfterSalesPending(DomainError):
    code = "after_sales_pending"


def code_of(voucher_id: UUID, secret: str) -> str:
    """Return a voucher's code: 80 bits that only the service can derive from its id.

    So the code itself is kept nowhere; what is kept is its hash.
    """
    digest = hmac.new(secret.encode(), b"voucher:" + voucher_id.bytes, hashlib.sha256).digest()
    bits = int.from_bytes(digest[:10], "big")
    return "".join(ALPHABET[(bits >> (5 * place)) & 31] for place in range(LENGTH))


def shown(code: str) -> str:
    """Return a code as people read it: in groups of four."""
    return "-".join(code[start : start + 4] for start in range(0, len(code), 4))


def hash_of(text: str) -> str:
    """Return the hash of a code as it was typed: dashes, spaces and small letters do not matter.

    Crockford's alphabet: I and L are read as 1, O as 0.
    """
    plain = "".join(text.split()).replace("-", "").upper().translate(str.maketrans("ILO", "110"))
    return hashlib.sha256(plain.encode()).hexdigest()


def short_of(voucher_id: UUID, secret: str) -> str:
    """Return a voucher's short code: ten digits that only the service can derive from its id."""
    digest = hmac.new(secret.encode(), b"short:" + voucher_id.bytes, hashlib.sha256).digest()
    return f"{int.from_bytes(digest[:8], 'big') % 10**SHORT_LENGTH:0{SHORT_LENGTH}d}"


def shown_short(digits: str) -> str:
    """Return a short code as people read it."""
    return f"{digits[:4]} {digits[4:7]} {digits[7:]}"


def plain_short(text: str) -> str | None:
    """Return the digits of a short code as it was typed; None for anything else."""
    plain = "".join(text.split()).replace("-", "")
    is_short = len(plain) == SHORT_LENGTH and plain.isascii() and plain.isdigit()
    return plain if is_short else None


def short_hash(digits: str, secret: str) -> str:
    """Return the hash of a short code; keyed, as ten digits alone could be tried out."""
    return hmac.new(secret.encode(), b"short-hash:" + digits.encode(), hashlib.sha256).hexdigest()


def told(at: datetime) -> str:
    """Return an instant as a clerk reads it."""
    return f"{at.astimezone(BEIJING):%Y-%m-%d %H:%M}"


def check_allowed(store_id: UUID, allowed: Sequence[tuple[UUID, str]]) -> None:
    """Raise WrongStore, naming where it can be used, unless this store is one of those."""
    if store_id not in {key for key, _ in allowed}:
        names = "、".join(name for _, name in allowed[:3]) or "—"
        raise WrongStore("code", stores=names)


def check_undo(redeemed_at: datetime | None, now: datetime) -> None:
    """Raise NotUsed and UndoTooLate."""
    if redeemed_at is None:
        raise NotUsed()
    if now > redeemed_at + UNDO_WITHIN:
        raise UndoTooLate()


def check_extension(expires_at: datetime, until: datetime, now: datetime) -> None:
    """Raise Invalid for a new end that is no later, or too far away."""
    if not expires_at < until <= now + MAX_EXTENSION:
        raise Invalid("expires_at", "voucher_end_wrong")
