"""Bills and differences on the wire."""

from apiflask.fields import UUID, DateTime, Integer, List, Nested, String
from apiflask.validators import OneOf

from mall.web.fields import Day, Items, PageQuery, Schema, a_uuid, code_text, short_text
from orders.reconciliation import rules


class SpanQuery(Schema):
    merchant = code_text(64, load_default="main", metadata={"example": "main"})
    first = Day(required=True, metadata={"example": "2027-01-01"})
    last = Day(required=True, metadata={"example": "2027-01-31"})


class BillReply(Schema):
    merchant = String(metadata={"example": "main"})
    day = Day(metadata={"example": "2027-01-05"})
    state = String(
        metadata={"description": "wanted, checked, or empty: no trades", "example": "checked"}
    )
    line_count = Integer(metadata={"example": 3200})
    paid_fen = Integer(metadata={"example": 86199300})
    refunded_fen = Integer(metadata={"example": 120000})
    fee_fen = Integer(metadata={"example": 516476})
    checked_at = DateTime(allow_none=True)
    last_error = String(allow_none=True)


class FiguresReply(Schema):
    """paid − refunded = clearing_paid − clearing_refunded − under_way + differences."""

    merchant = String(metadata={"example": "main"})
    first = Day(metadata={"example": "2027-01-01"})
    last = Day(metadata={"example": "2027-01-31"})
    line_count = Integer(metadata={"example": 100000})
    paid_fen = Integer(metadata={"example": 86199300})
    refunded_fen = Integer(metadata={"example": 120000})
    fee_fen = Integer(metadata={"example": 516476})
    clearing_paid_fen = Integer(metadata={"example": 86199300})
    clearing_refunded_fen = Integer(metadata={"example": 120000})
    under_way_fen = Integer(
        metadata={"description": "Refunds on the bill that are not posted yet", "example": 0}
    )
    differences_fen = Integer(
        metadata={"description": "The sum over open and explained differences", "example": -100}
    )
    open_cases = Integer(metadata={"example": 0})
    explained_cases = Integer(metadata={"example": 1})
    bills = List(Nested(BillReply))


class DifferenceReply(Schema):
    id = UUID(metadata={"example": str(a_uuid())})
    merchant = String(metadata={"example": "main"})
    day = Day(metadata={"example": "2027-01-05"})
    kind = String(metadata={"example": "payment"})
    number = String(metadata={"example": "P261124K7Q2M9X4TB"})
    difference = String(validate=OneOf(rules.DIFFERENCES), metadata={"example": rules.AMOUNT})
    place = String(
        metadata={"description": "Day and line of a further line", "example": "2027-01-05#7"}
    )
    at_wechat = String(
        metadata={"description": "An amount in fen, a state or a name", "example": "2000"}
    )
    with_us = String(metadata={"example": "2100"})
    difference_fen = Integer(
        metadata={"description": "How much more WeChat has because of it", "example": -100}
    )
    state = String(metadata={"example": "open"})
    note = String(allow_none=True)
    explained_by = String(allow_none=True)
    found_at = DateTime()
    changed_at = DateTime()


class DifferencePage(Schema):
    items = Items(DifferenceReply)
    next_cursor = UUID(allow_none=True)


class DifferenceQuery(PageQuery):
    state = String(load_default=None, validate=OneOf(rules.CASE_STATES.states))
    first = Day(load_default=None, metadata={"example": "2027-01-01"})
    last = Day(load_default=None, metadata={"example": "2027-01-31"})


class AgainBody(Schema):
    merchant = code_text(64, load_default="main", metadata={"example": "main"})
    day = Day(required=True, metadata={"example": "2027-01-05"})


class ExplainBody(Schema):
    note = short_text(500, required=True, metadata={"example": "微信手续费优惠活动，已与客服确认"})
