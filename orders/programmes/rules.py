"""What a programme may be, and the life of it as a table."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from mall.kernel.clock import BEIJING
from mall.kernel.errors import DomainError, Invalid
from mall.kernel.states import Transitions
from mall.kernel.text.wording import Finding

FIXED, PICK_ONE, RESTRICTED, OPEN_BEANS, CAKE = "fixed", "pick_one", "restricted", "open", "cake"
KINDS = (FIXED, PICK_ONE, RESTRICTED, OPEN_BEANS, CAKE)
DRAFT, SUBMITTED, APPROVED, REJECTED = "draft", "submitted", "approved", "rejected"
FUNDED, ISSUING, ACTIVE, CLOSED = "funded", "issuing", "active", "closed"
ACCEPTED, ARCHIVED, WITHDRAWN = "accepted", "archived", "withdrawn"
STATES = Transitions(
    "programme",
    {
        DRAFT: {SUBMITTED, WITHDRAWN},
        SUBMITTED: {APPROVED, REJECTED, WITHDRAWN},
        REJECTED: {DRAFT, WITHDRAWN},
        APPROVED: {FUNDED, WITHDRAWN},
        # Money that goes back before anything was issued takes it back, too.
        FUNDED: {ISSUING, WITHDRAWN, APPROVED},
        ISSUING: {ACTIVE},
        ACTIVE: {CLOSED},
        CLOSED: {ACCEPTED},
        ACCEPTED: {ARCHIVED},
        ARCHIVED: set(),
        WITHDRAWN: set(),
    },
)
# Those whose content and recipients stand.
DECIDED = (APPROVED, FUNDED, ISSUING, ACTIVE, CLOSED, ACCEPTED, ARCHIVED)
SHIP, UNIT, PICKUP = "ship", "unit_delivery", "store_pickup"
RETURN, LAPSE = "return", "lapse"
MAX_PACKS, MAX_ITEMS = 10, 50
GENESIS = "0" * 64


@dataclass(frozen=True)
class Signature:
    """Who takes a step of a programme: as the guard names them, and the name people know."""

    actor: str
    name: str


@dataclass(frozen=True)
class ProgrammeForm:
    """What an officer fills in."""

    name: str
    kind: str
    roster_id: UUID
    per_member_fen: int
    opens_on: date
    closes_on: date
    expires_on: date | None
    delivery: str
    pack_ids: tuple[UUID, ...] = ()
    default_pack_id: UUID | None = None
    selection_id: UUID | None = None
    max_items: int | None = None
    unit_address: Mapping[str, str] | None = None
    leftover: str = RETURN
    allows_top_up: bool = False
    allows_codes: bool = False
    birthday: str = "none"
    festival: str | None = None
    note: str = ""


class ProgrammeRefused(DomainError):
    code = "programme_refused"

    def __init__(self, errors: list[Finding]) -> None:
        super().__init__("programme", problems=errors)


class ContentChanged(DomainError):
    code = "content_changed"


class OwnProgramme(DomainError):
    code = "own_programme"


class WarningsUnseen(DomainError):
    code = "warnings_unseen"


def check_form(form: ProgrammeForm) -> None:
    """Raise Invalid where the parts of a form do not fit together."""
    packs, chosen = len(form.pack_ids), form.selection_id is not None
    if form.opens_on > form.closes_on:
        raise Invalid("closes_on", "programme_ends_before_it_begins")
    if form.expires_on is not None and form.expires_on < form.closes_on:
        raise Invalid("expires_on", "programme_expires_before_it_ends")
    if (form.closes_on - form.opens_on).days > 731:
        raise Invalid("closes_on", "programme_too_long")
    if form.kind == FIXED and packs != 1:
        raise Invalid("pack_ids", "fixed_needs_one_pack")
    if form.kind == PICK_ONE and not 2 <= packs <= MAX_PACKS:
        raise Invalid("pack_ids", "pick_one_needs_packs")
    if form.kind not in (FIXED, PICK_ONE) and packs:
        raise Invalid("pack_ids", "kind_without_packs")
    if len(set(form.pack_ids)) != packs:
        raise Invalid("pack_ids", "pack_repeated")
    if (form.kind in (RESTRICTED, CAKE)) != chosen:
        raise Invalid("selection_id", "selection_by_kind")
    _check_choices(form)


def _check_choices(form: ProgrammeForm) -> None:
    if form.default_pack_id is not None and form.default_pack_id not in form.pack_ids:
        raise Invalid("default_pack_id", "default_pack_not_listed")
    if form.default_pack_id is not None and form.kind != PICK_ONE:
        raise Invalid("default_pack_id", "default_pack_by_kind")
    if form.max_items is not None and form.kind != RESTRICTED:
        raise Invalid("max_items", "max_items_by_kind")
    is_unit = form.delivery == UNIT
    if is_unit and form.kind != FIXED:
        raise Invalid("delivery", "unit_delivery_by_kind")
    if form.kind == CAKE and form.delivery != PICKUP:
        raise Invalid("delivery", "cake_is_collected")
    if (is_unit or form.default_pack_id is not None) and form.unit_address is None:
        raise Invalid("unit_address", "unit_address_missing")
    if form.allows_codes and not has_vouchers(form.kind, form.max_items, form.delivery):
        raise Invalid("allows_codes", "kind_without_codes")
    if form.allows_top_up and not has_beans(form.kind, form.max_items):
        raise Invalid("allows_top_up", "top_up_by_kind")
    if form.birthday != "none" and form.kind not in (CAKE, OPEN_BEANS):
        raise Invalid("birthday", "birthday_by_kind")


def has_vouchers(kind: str, max_items: int | None, delivery: str) -> bool:
    """Tell whether each right is redeemed as a whole, rather than spent as beans or handed out."""
    if kind == RESTRICTED:
        return max_items is not None
    return kind in (FIXED, PICK_ONE) and delivery != UNIT


def has_beans(kind: str, max_items: int | None) -> bool:
    """Tell whether members get beans to spend at the checkout."""
    return kind in (OPEN_BEANS, CAKE) or (kind == RESTRICTED and max_items is None)


def begins_at(opens_on: date) -> datetime:
    """Return the first instant of a day in Beijing."""
    return datetime.combine(opens_on, time(), BEIJING)


def ends_at(closes_on: date) -> datetime:
    """Return the instant at which a day in Beijing is over."""
    return datetime.combine(closes_on + timedelta(days=1), time(), BEIJING)


def canonical(value: Any) -> str:
    """Return JSON of which there is one form only, to be hashed."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str)


def content_hash(content: Mapping[str, Any]) -> str:
    """Return SHA-256 of a content."""
    return hashlib.sha256(canonical(content).encode()).hexdigest()


def event_hash(fields: Iterable[str]) -> str:
    """Return SHA-256 over an event's fields, one to a line, the hash before it the last of them."""
    return hashlib.sha256("\n".join(fields).encode()).hexdigest()


def unseen(warnings: Iterable[Mapping[str, Any]], acknowledged: Iterable[str]) -> list[str]:
    """Return the codes of warnings that an approver has not named."""
    known = set(acknowledged)
    return sorted({each["code"] for each in warnings} - known)
