"""Pure checks and masks of a member's data."""

from dataclasses import dataclass
from datetime import timedelta

from mall.access.rules import at_most
from mall.kernel.errors import DomainError, Invalid
from mall.kernel.text import canonical

MAX_ADDRESSES = 20
PHONE_CODES = at_most(10, timedelta(hours=1), "phone_code")


@dataclass(frozen=True)
class AddressForm:
    """What a member fills in."""

    recipient: str
    phone: str
    region_code: str
    detail: str
    is_default: bool = False


class PhoneTaken(DomainError):
    code = "phone_taken"


class PhoneNeeded(DomainError):
    code = "phone_needed"


def clean_phone(text: str, field: str = "phone") -> str:
    """Return a mainland mobile number as eleven digits, or raise Invalid."""
    digits = canonical.mobile(text)
    if digits is None:
        raise Invalid(field, "phone_wrong")
    return digits


def mask_phone(phone: str | None) -> str | None:
    """Return a phone number as lists and logs may show it."""
    return f"{phone[:3]}****{phone[-4:]}" if phone else None


def mask_name(name: str | None) -> str | None:
    """Return a name with all but its first character hidden."""
    return name[:1] + "*" * (len(name) - 1) if name else None
