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

FIXED, PICK_ONE, RESTRICTED, OPEN_BEANS, CAKE = "fixed", "pick_one", "restricted", "open", "cake"
KINDS = (FIXED, PICK_ONE, RESTRICTED, OPEN_BEANS, CAKE)
DRAFT, SUBMITTED, APPROVED, REJECTED = "draft", "submitted", "approved", "rejected"
FUNDED, ISSUING, ACTIVE, CLOSED = "funded", "issuing", "active", "closed"
ACCEPTED, ARCHIVED, WITHDRAWN = "accepted", "archived", "withdrawn"
STATES = Transitions(
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
    {
        DRAFT: "草稿",
        SUBMITTED: "待审批",
        APPROVED: "已审批，待到账",
        REJECTED: "已退回",
        FUNDED: "已到账，待发放",
        ISSUING: "发放中",
        ACTIVE: "进行中",
        CLOSED: "已结束，待验收",
        ACCEPTED: "已验收",
        ARCHIVED: "已归档",
        WITHDRAWN: "已撤回",
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


@dataclass(frozen=True)
class Finding:
    """Something that the checks found: with an error the programme cannot be, a warning is judged."""

    code: str
    zh: str
    en: str


class ProgrammeRefused(DomainError):
    code = "programme_refused"
    status = 422
    zh = "方案不能提交：{reasons_zh}"
    en = "The programme cannot be submitted: {reasons_en}"

    def __init__(self, errors: list[Finding]) -> None:
        super().__init__(
            "programme",
            reasons_zh="；".join(each.zh for each in errors),
            reasons_en="; ".join(each.en for each in errors),
            problems=[{"code": each.code, "zh": each.zh, "en": each.en} for each in errors],
        )


class ContentChanged(DomainError):
    code = "content_changed"
    zh = "方案内容与您看到的或提交时的不一致，请重新核对并提交。"
    en = "The content is not what you saw or what was submitted; look again and submit anew."


class OwnProgramme(DomainError):
    code = "own_programme"
    zh = "不能审批自己编制、修改或提交的内容，请由另一位审批人处理。"
    en = "You wrote, changed or submitted this yourself; another officer must decide."


class WarningsUnseen(DomainError):
    code = "warnings_unseen"
    zh = "请先确认提示事项：{codes}。"
    en = "Acknowledge these warnings first: {codes}."


def check_form(form: ProgrammeForm) -> None:
    """Raise Invalid where the parts of a form do not fit together."""
    packs, chosen = len(form.pack_ids), form.selection_id is not None
    if form.opens_on > form.closes_on:
        raise Invalid(
            "closes_on", "结束日期不能早于开始日期。", "It must not end before it begins."
        )
    if form.expires_on is not None and form.expires_on < form.closes_on:
        raise Invalid(
            "expires_on", "到期日不能早于结束日期。", "It must not expire before it ends."
        )
    if (form.closes_on - form.opens_on).days > 731:
        raise Invalid("closes_on", "期限不能超过两年。", "A programme lasts two years at most.")
    if form.kind == FIXED and packs != 1:
        raise Invalid("pack_ids", "指定方案须选择一个福利包。", "A fixed programme has one pack.")
    if form.kind == PICK_ONE and not 2 <= packs <= MAX_PACKS:
        raise Invalid("pack_ids", "任选方案须选择 2 至 10 个福利包。", "Choose 2 to 10 packs.")
    if form.kind not in (FIXED, PICK_ONE) and packs:
        raise Invalid("pack_ids", "该类方案没有福利包。", "This kind has no packs.")
    if len(set(form.pack_ids)) != packs:
        raise Invalid("pack_ids", "福利包重复。", "A pack is named twice.")
    if (form.kind in (RESTRICTED, CAKE)) != chosen:
        raise Invalid(
            "selection_id",
            "限选和蛋糕券方案须指定选品，其他方案不需要。",
            "Restricted and cake programmes name a selection, others do not.",
        )
    _check_choices(form)


def _check_choices(form: ProgrammeForm) -> None:
    if form.default_pack_id is not None and form.default_pack_id not in form.pack_ids:
        raise Invalid("default_pack_id", "默认福利包须在可选之列。", "It is not one of the packs.")
    if form.default_pack_id is not None and form.kind != PICK_ONE:
        raise Invalid("default_pack_id", "只有任选方案有默认福利包。", "Only pick-one has one.")
    if form.max_items is not None and form.kind != RESTRICTED:
        raise Invalid("max_items", "只有限选方案可限件数。", "Only restricted programmes limit it.")
    is_unit = form.delivery == UNIT
    if is_unit and form.kind != FIXED:
        raise Invalid("delivery", "只有指定方案可配送到单位。", "Only fixed packs go to the unit.")
    if form.kind == CAKE and form.delivery != PICKUP:
        raise Invalid("delivery", "蛋糕券须门店自提。", "Cake vouchers are collected at a store.")
    if (is_unit or form.default_pack_id is not None) and form.unit_address is None:
        raise Invalid("unit_address", "请填写单位收货地址。", "Give the address of the unit.")
    if form.allows_codes and not has_vouchers(form.kind, form.max_items, form.delivery):
        raise Invalid("allows_codes", "该类方案没有兑换码。", "This kind has no voucher codes.")
    if form.allows_top_up and not has_beans(form.kind, form.max_items):
        raise Invalid("allows_top_up", "只有福利豆可补差价。", "Only beans can be topped up.")
    if form.birthday != "none" and form.kind not in (CAKE, OPEN_BEANS):
        raise Invalid(
            "birthday", "只有蛋糕券和福利豆可按生日发放。", "Only beans are issued by birthday."
        )


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
