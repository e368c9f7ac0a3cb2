"""Which documents a supplier shows, how long each holds, and what hangs on it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from ipaddress import ip_address, ip_network
from uuid import UUID

from mall.kernel.errors import DomainError, Invalid
from mall.kernel.files.addresses import is_public
from mall.kernel.states import Transitions
from mall.kernel.text import wording
from mall.kernel.text.wording import Wording

BUSINESS_LICENCE, FOOD_LICENCE, ASSISTANCE = "business_licence", "food_licence", "assistance"
KINDS = (BUSINESS_LICENCE, FOOD_LICENCE, ASSISTANCE)
IN_REVIEW, APPROVED, REJECTED = "in_review", "approved", "rejected"
STATES = Transitions(
    "qualification", {IN_REVIEW: {APPROVED, REJECTED}, APPROVED: set(), REJECTED: set()}
)
MAX_DOCUMENT_BYTES = 10 * 1024 * 1024
USER_ROLE = "supplier"
MAX_DOCUMENTS, MAX_QUALIFICATIONS, MAX_USERS = 200, 100, 50
# Applications of one network within a day, and undecided ones with one phone: nobody's use up
# another's, so there is no limit that all share.
MAX_BY_SOURCE, SOURCE_PERIOD, MAX_BY_PHONE = 10, timedelta(days=1), 3
# What is not handed in for so long is given up, and its name is free again.
GIVEN_UP_AFTER = timedelta(days=30)
# Days before the end at which a supplier hears of it again, after the first announcement.
LAST_CALLS = (7, 0)


@dataclass(frozen=True)
class Application:
    """What a merchant applies with, and the account of its first user."""

    name: str
    contact_name: str
    contact_phone: str
    username: str
    password: str
    address: str | None = None


@dataclass(frozen=True)
class Reason:
    """Why a field was not accepted."""

    field: str
    text: str


@dataclass(frozen=True)
class Decision:
    """What a reviewer decided, with a reason for each field that was not accepted."""

    is_approved: bool
    reasons: tuple[Reason, ...] = ()

    def __post_init__(self) -> None:
        if not self.is_approved and not self.reasons:
            raise Invalid("reasons", "rejection_without_reason")

    @property
    def words(self) -> str:
        """Return every reason with its field, as a notice says them."""
        return "；".join(f"{reason.field}：{reason.text}" for reason in self.reasons)


@dataclass(frozen=True)
class QualificationForm:
    """A document with its number and the days on which it holds; no last day: for good."""

    kind: str
    number: str
    valid_from: date
    valid_until: date | None
    document_id: UUID
    region_code: str | None = None


class TooManyApplications(DomainError):
    code = "too_many_applications"


def source_of(address: str | None) -> str | None:
    """Return the network an address belongs to, as one customer has it; None for one of our own.

    An address that is not public is a proxy's: it says nothing of who asks.
    """
    if address is None or not is_public(address):
        return None
    length = 24 if ip_address(address).version == 4 else 56
    return str(ip_network(f"{address}/{length}", strict=False))


class QualificationMissing(DomainError):
    code = "qualification_missing"


class NotSubmitted(DomainError):
    code = "application_not_submitted"


class DocumentRefused(DomainError):
    code = "document_refused"


def name_of(kind: str) -> Wording:
    """Return what a kind of qualification is called."""
    return wording.name("qualification_kind", kind)


def check(form: QualificationForm, today: date) -> None:
    """Raise Invalid where a qualification makes no sense or has already ended."""
    if form.valid_until is not None and form.valid_until < form.valid_from:
        raise Invalid("valid_until", "days_not_in_order")
    if form.valid_until is not None and form.valid_until < today:
        raise Invalid("valid_until", "document_expired")
    if form.kind == ASSISTANCE and not form.region_code:
        raise Invalid("region_code", "assistance_region_missing")


def kind_of_document(content: bytes) -> tuple[str, str] | None:
    """Return media type and extension by how a file begins, or None for any other."""
    if content.startswith(b"%PDF-"):
        return "application/pdf", "pdf"
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg", "jpg"
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png", "png"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp", "webp"
    return None


def due_calls(days_left: int, first_call: int) -> int | None:
    """Return which call is due so many days before the end: the first, 7 days, the last day."""
    due: Sequence[int] = [call for call in (first_call, *LAST_CALLS) if days_left <= call]
    return min(due, default=None)
