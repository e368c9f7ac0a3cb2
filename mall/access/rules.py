"""Audiences, roles and the pure decisions about signing in."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network
from uuid import UUID

from mall.kernel.errors import DomainError
from mall.kernel.text import wording

STORE, UNION, SUPPLIER, PICKUP, OPS = "store", "union", "supplier", "pickup", "ops"
AUDIENCES = (STORE, UNION, SUPPLIER, PICKUP, OPS)
# The role of a staff account names the one audience that its tokens open.
UNION_OFFICER = "union_officer"
AUDIENCE_OF_ROLE = {
    UNION_OFFICER: UNION,
    "supplier": SUPPLIER,
    "store_clerk": PICKUP,
    "operator": OPS,
}
ROLES = tuple(AUDIENCE_OF_ROLE)
# What a union officer may do; another duty than handling is never both hands of one person.
HANDLES, APPROVES, AUDITS = "handles", "approves", "audits"
DUTIES = (HANDLES, APPROVES, AUDITS)
# What a clerk may do who runs a store.
MANAGES = "manages"
# What an operator may do beside reading. Whoever enters an amount and whoever confirms it are two
# persons, whatever duties each of them has (Actor).
REVIEWS, SERVICE, MERCHANDISING, ACCOUNTS = "reviews", "service", "merchandising", "accounts"
FINANCE_ENTERS, FINANCE_CONFIRMS = "finance_enters", "finance_confirms"
OPERATOR = "operator"
OPERATOR_DUTIES = (
    REVIEWS,
    FINANCE_ENTERS,
    FINANCE_CONFIRMS,
    SERVICE,
    MERCHANDISING,
    ACCOUNTS,
    AUDITS,
)
# What one operator alone does not change: accounts that enter, approve or confirm value.
TWO_PERSONS = (OPERATOR, UNION_OFFICER)
# Duties that a password alone does not open where the setting says so.
SECURED = (FINANCE_ENTERS, FINANCE_CONFIRMS, ACCOUNTS)
DUTIES_OF_ROLE = {
    UNION_OFFICER: DUTIES,
    "store_clerk": (MANAGES,),
    OPERATOR: OPERATOR_DUTIES,
    "supplier": (),
}
MIN_PASSWORD, MAX_PASSWORD = 12, 128
PHONE = re.compile(r"1[3-9]\d{9}", re.ASCII)
USERNAME = re.compile(r"[a-z][a-z0-9._-]{2,31}")


@dataclass(frozen=True)
class Allowance:
    """How many wrong guesses are free within a span, and how long each further one waits.

    The pause doubles with each, up to the longest.
    """

    purpose: str
    tries: int
    span: timedelta
    pause: timedelta
    longest: timedelta


def at_most(tries: int, span: timedelta, purpose: str) -> Allowance:
    """Return an allowance of so many wrong guesses within a span and none after."""
    return Allowance(purpose, tries, span, span, span)


_PAUSES = (timedelta(seconds=30), timedelta(minutes=15))
PASSWORD = Allowance("password", 5, timedelta(days=1), *_PAUSES)
# Over all names from one address, and over all addresses for one name; where an account has signed
# in before neither is counted nor asked, so that nobody's own place is closed by others.
SPRAYED = Allowance("password_address", 40, timedelta(hours=1), *_PAUSES)
SURROUNDED = Allowance("password_name", 30, timedelta(days=1), *_PAUSES)


def subject_of_name(username: str) -> str:
    """Return what stands for a user name among the counters: people type passwords there, too."""
    return hashlib.sha256(username.encode("utf-8", "replace")).hexdigest()


def place_of(address: str | None) -> str:
    """Return the address that guesses are counted by: of IPv6 the network that one line gets."""
    try:
        found = ip_address(address or "")
    except ValueError:
        return ""
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ip_network((found, 64), strict=False))
    return str(found)


@dataclass(frozen=True)
class Principal:
    """Who a valid token stands for."""

    audience: str
    subject_id: UUID
    scope_id: UUID | None
    token_id: UUID
    duties: tuple[str, ...] = ()
    display_name: str = ""
    has_factor: bool = False

    @property
    def name(self) -> str:
        return f"{self.audience}:{self.subject_id}"


@dataclass(frozen=True)
class Actor:
    """Whoever acts, as a person: two accounts of one member or one phone are one."""

    account_id: UUID
    member_id: UUID | None = None
    phone: str | None = None
    # Whether the owner of the account proved member and phone.
    is_confirmed: bool = field(default=False, compare=False)

    def is_same_person(self, other: "Actor") -> bool:
        """Tell whether both are one person; `check_other_person` refuses it."""
        if self.account_id == other.account_id:
            return True
        same_member = self.member_id is not None and self.member_id == other.member_id
        return same_member or (self.phone is not None and self.phone == other.phone)


def check_other_person(actor: Actor, others: Iterable[Actor]) -> None:
    """Raise SamePerson where whoever decides is one of those who made what is decided."""
    if any(actor.is_same_person(each) for each in others):
        raise SamePerson()


def check_confirmed(people: Iterable[Actor]) -> None:
    """Raise PersonUnconfirmed where it is only said, not proved, who somebody is."""
    if not all(each.is_confirmed for each in people):
        raise PersonUnconfirmed()


@dataclass(frozen=True)
class IssuedToken:
    """A fresh token; its text is shown once and stored only as a hash."""

    token: str
    expires_at: datetime


class Unauthenticated(DomainError):
    code = "unauthenticated"


class WrongAudience(DomainError):
    code = "wrong_audience"


class DutyMissing(DomainError):
    code = "duty_missing"

    def __init__(self, duty: str) -> None:
        super().__init__("Authorization", duty=wording.name("duty", duty))


class TooManyTries(DomainError):
    code = "too_many_tries"


class BadCredentials(DomainError):
    code = "bad_credentials"


class LockedOut(DomainError):
    code = "locked_out"


class PasswordRefused(DomainError):
    code = "password_refused"


class SamePerson(DomainError):
    code = "same_person"


class PersonUnconfirmed(DomainError):
    code = "person_unconfirmed"


class PersonTaken(DomainError):
    code = "staff_account_confirmed"


class SecondFactorRequired(DomainError):
    code = "totp_required"


class TotpNeeded(DomainError):
    code = "totp_needed"


class TotpWrong(DomainError):
    code = "totp_wrong"


class TotpSet(DomainError):
    code = "totp_set"


class InvitationRefused(DomainError):
    code = "invitation_refused"


class UsernameTaken(DomainError):
    code = "username_taken"


class NotYourself(DomainError):
    code = "not_yourself"


class CodeRefused(DomainError):
    code = "wechat_code_refused"


class PhoneCodeRefused(DomainError):
    code = "phone_code_refused"


class WeChatUnavailable(DomainError):
    code = "wechat_unavailable"
