"""Suppliers and freight templates on the wire."""

from apiflask.fields import UUID, Boolean, DateTime, Integer, List, Nested, String
from apiflask.validators import Length, OneOf, Range

from catalog.suppliers import rules
from mall.kernel.money import MAX_FEN
from mall.web.fields import Day, Items, Schema, a_uuid, fen, region_code, short_text


class SupplierBody(Schema):
    name = short_text(100, required=True, metadata={"example": "徐闻县良姜农业合作社"})


class SupplierState(Schema):
    state = String(required=True, validate=OneOf(rules.STATES.states))


class SupplierReply(Schema):
    id = UUID(metadata={"example": str(a_uuid())})
    name = String(metadata={"example": "徐闻县良姜农业合作社"})
    state = String(metadata={"example": "active"})
    created_at = DateTime()


class SupplierPage(Schema):
    items = Items(SupplierReply)
    next_cursor = UUID(allow_none=True)


class CommissionBody(Schema):
    commission_bps = Integer(
        required=True,
        strict=True,
        validate=Range(0, 10_000),
        metadata={"description": "Ten-thousandths of a sale", "example": 500},
    )
    from_on = Day(required=True, metadata={"example": "2027-02-01"})


class CommissionReply(Schema):
    commission_bps = Integer(metadata={"example": 500})
    from_on = Day(metadata={"example": "2027-02-01"})
    set_at = DateTime()


class CommissionList(Schema):
    first_bps = Integer(metadata={"description": "Before the oldest of them", "example": 300})
    items = Items(CommissionReply)


class FreightRuleSchema(Schema):
    regions = List(
        region_code(),
        load_default=list,
        validate=Length(max=500),
        metadata={"description": "Region codes; empty: everywhere else", "example": ["440000"]},
    )
    is_served = Boolean(load_default=True)
    first_units = Integer(
        load_default=1, validate=Range(1, 1_000_000), metadata={"description": "Pieces or grams"}
    )
    first_fee_fen = fen(load_default=0, metadata={"example": 800})
    next_units = Integer(load_default=1, validate=Range(1, 1_000_000))
    next_fee_fen = fen(load_default=0, metadata={"example": 200})


class TemplateBody(Schema):
    name = short_text(50, required=True, metadata={"example": "默认运费"})
    charge_by = String(required=True, validate=OneOf([rules.PIECE, rules.WEIGHT]))
    free_over_fen = Integer(
        load_default=None, allow_none=True, validate=Range(0, MAX_FEN), metadata={"example": 9900}
    )
    rules = List(Nested(FreightRuleSchema), required=True, validate=Length(1, rules.MAX_RULES))


class TemplateReply(TemplateBody):
    id = UUID(metadata={"example": str(a_uuid())})


class TemplateList(Schema):
    items = Items(TemplateReply)
