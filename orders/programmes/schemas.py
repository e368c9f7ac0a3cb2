"""Programmes on the wire."""

from typing import Any

from apiflask.fields import UUID, Boolean, DateTime, Dict, Integer, List, Nested, String
from apiflask.validators import Length, OneOf, Range

from mall.web.fields import (
    Day,
    Items,
    PageQuery,
    Schema,
    a_uuid,
    code_text,
    fen,
    plain_text,
    region_code,
    short_text,
)
from orders.entitlements.rules import BIRTHDAY_RULES
from orders.programmes import rules


class UnitAddressSchema(Schema):
    recipient = short_text(50, required=True, metadata={"example": "陈小湛"})
    phone = code_text(20, required=True, metadata={"example": "13800000001"})
    region_code = region_code(required=True, metadata={"example": "440802"})
    detail = short_text(200, required=True, metadata={"example": "跃进路 1 号工会办公室"})


class ProgrammeBody(Schema):
    name = short_text(80, required=True, metadata={"example": "2027 年春节慰问"})
    kind = String(required=True, validate=OneOf(rules.KINDS), metadata={"example": "pick_one"})
    roster_id = UUID(required=True)
    per_member_fen = fen(required=True, metadata={"example": 30000})
    opens_on = Day(required=True, metadata={"example": "2027-01-18"})
    closes_on = Day(
        required=True,
        metadata={
            "description": "The last day, until midnight in Beijing",
            "example": "2027-02-10",
        },
    )
    expires_on = Day(
        load_default=None,
        allow_none=True,
        metadata={"description": "The last day of beans; left out: `closes_on`"},
    )
    delivery = String(
        required=True,
        validate=OneOf((rules.SHIP, rules.UNIT, rules.PICKUP)),
        metadata={"example": "ship"},
    )
    pack_ids = List(UUID(), load_default=list, validate=Length(max=rules.MAX_PACKS))
    default_pack_id = UUID(
        load_default=None,
        allow_none=True,
        metadata={"description": "For who chooses none; goes to the unit"},
    )
    selection_id = UUID(load_default=None, allow_none=True)
    max_items = Integer(
        load_default=None,
        allow_none=True,
        strict=True,
        validate=Range(1, rules.MAX_ITEMS),
        metadata={"description": "The right to choose up to so many items, instead of beans"},
    )
    unit_address = Nested(UnitAddressSchema, load_default=None, allow_none=True)
    leftover = String(
        load_default=rules.RETURN,
        validate=OneOf((rules.RETURN, rules.LAPSE)),
        metadata={"description": "What becomes of unspent value"},
    )
    allows_top_up = Boolean(load_default=False)
    allows_codes = Boolean(
        load_default=False, metadata={"description": "Vouchers may be redeemed by code"}
    )
    birthday = String(load_default="none", validate=OneOf(BIRTHDAY_RULES))
    festival = short_text(20, load_default=None, allow_none=True, metadata={"example": "春节"})
    note = plain_text(
        500,
        load_default="",
    )


class WarningReply(Schema):
    code = String(metadata={"example": "stock_short"})
    zh = String(metadata={"example": "“A 包”现有库存可配 300 份，少于 340 份"})
    en = String(metadata={"example": "Stock of “A” allows 300 packs, 340 are needed"})


class ProgrammeItem(Schema):
    id = UUID(metadata={"example": str(a_uuid())})
    number = String(metadata={"example": "W261124K7Q2M9X4TB"})
    union_id = UUID()
    name = String(metadata={"example": "2027 年春节慰问"})
    kind = String(metadata={"example": "pick_one"})
    state = String(metadata={"example": "submitted"})
    per_member_fen = Integer(metadata={"example": 30000})
    head_count = Integer(metadata={"example": 340})
    budget_fen = Integer(metadata={"example": 10200000})
    opens_on = Day(metadata={"example": "2027-01-18"})
    closes_on = Day(metadata={"example": "2027-02-10"})
    created_at = DateTime()


class ProgrammeReply(ProgrammeItem):
    roster_id = UUID()
    pack_ids = List(UUID())
    default_pack_id = UUID(allow_none=True)
    selection_id = UUID(allow_none=True)
    selection_version = Integer(allow_none=True)
    max_items = Integer(allow_none=True)
    expires_on = Day()
    delivery = String(metadata={"example": "ship"})
    unit_address = Dict(allow_none=True)
    leftover = String(metadata={"example": "return"})
    allows_top_up = Boolean()
    allows_codes = Boolean()
    birthday = String(metadata={"example": "none"})
    festival = String(allow_none=True)
    note = String()
    version = Integer(metadata={"description": "Also the ETag; send it as If-Match"})
    content = Dict(allow_none=True, metadata={"description": "Frozen at submission"})
    content_hash = String(allow_none=True, metadata={"description": "SHA-256 of the content"})
    warnings = List(Nested(WarningReply))
    approved_at = DateTime(allow_none=True)
    active_at = DateTime(allow_none=True)
    closed_at = DateTime(allow_none=True)


class ProgrammePage(Schema):
    items = Items(ProgrammeItem)
    next_cursor = UUID(allow_none=True)


class ProgrammeQuery(PageQuery):
    state = String(load_default=None, validate=OneOf(rules.STATES.states))


class ApproveBody(Schema):
    content_hash = String(
        required=True,
        validate=Length(equal=64),
        metadata={"description": "Of the content that was looked at", "example": "0" * 64},
    )
    acknowledged_warnings = List(
        String(validate=Length(1, 40)),
        load_default=list,
        validate=Length(max=20),
        metadata={"example": ["stock_short"]},
    )


class ReasonBody(Schema):
    reason = short_text(200, required=True, metadata={"example": "B 包价格偏高，请重新比价"})


class EventReply(Schema):
    number = Integer(metadata={"example": 1})
    happened_at = DateTime()
    actor = String(metadata={"example": "union:019a3c5e-0000-7000-8000-000000000001"})
    actor_name = String(metadata={"example": "张伟"})
    act = String(metadata={"example": "submitted"})
    state = String(metadata={"example": "submitted"})
    content_hash = String()
    note = String()
    details = String(metadata={"description": "JSON, as it was hashed"})
    previous_hash = String()
    hash = String()


class HistoryReply(Schema):
    programme_id = UUID(metadata={"example": str(a_uuid())})
    number = String(metadata={"example": "W261124K7Q2M9X4TB"})
    recipe = String(metadata={"description": "How to compute each hash again"})
    events = List(Nested(EventReply))


class PolicyBody(Schema):
    annual_member_fen = fen(
        load_default=None,
        allow_none=True,
        metadata={"description": "The most for one person in a year", "example": 200000},
    )
    festivals = List(
        short_text(20),
        load_default=list,
        validate=Length(max=30),
        metadata={"example": ["元旦", "春节", "端午", "中秋", "国庆"]},
    )
    min_assistance_bps = Integer(
        load_default=0,
        strict=True,
        validate=Range(0, 10_000),
        metadata={"description": "Share of a pack from assisted suppliers", "example": 3000},
    )


def form_of(data: dict[str, Any]) -> rules.ProgrammeForm:
    """Return the form in a body."""
    return rules.ProgrammeForm(**{**data, "pack_ids": tuple(data["pack_ids"])})
