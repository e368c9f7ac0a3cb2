"""After-sales on the wire."""

from typing import Any

from apiflask.fields import UUID, Boolean, DateTime, Dict, Integer, List, Nested, String
from apiflask.validators import Length, OneOf, Range
from marshmallow import post_load

from fulfillment.after_sales import rules
from fulfillment.after_sales.rules import Request
from mall.members.rules import AddressForm
from mall.web.fields import (
    Items,
    PageQuery,
    Schema,
    a_uuid,
    code_text,
    fen,
    plain_text,
    region_code,
    short_text,
    stored_image,
)


def _note(required: bool = False) -> String:
    if required:
        return short_text(500, required=True, metadata={"example": "外包装完好，商品无破损"})
    return plain_text(500, load_default="")


class AfterSalesBody(Schema):
    line_id = UUID(required=True, metadata={"example": str(a_uuid())})
    kind = String(required=True, validate=OneOf(rules.KINDS), metadata={"example": "refund_only"})
    quantity = Integer(
        required=True, strict=True, validate=Range(1, 9_999), metadata={"example": 1}
    )
    reason = String(
        required=True, validate=OneOf(list(rules.REASONS)), metadata={"example": "damaged"}
    )
    description = _note()
    photos = List(
        stored_image(),
        load_default=[],
        validate=Length(max=rules.MAX_PHOTOS),
        metadata={"description": "From POST /v1/store/images", "example": []},
    )
    amount_fen = fen(
        load_default=None,
        allow_none=True,
        metadata={"description": "Left out: all that these units cost", "example": 5600},
    )

    @post_load
    def request(self, data: dict[str, Any], **_: Any) -> Request:
        return Request(**data)


class AppealBody(Schema):
    note = short_text(500, required=True, metadata={"example": "收到时盒子已经压坏，见照片"})


class ApproveBody(Schema):
    note = _note()


class RejectBody(Schema):
    note = _note(required=True)


class AcceptGoodsBody(Schema):
    restocked = Integer(
        load_default=0,
        strict=True,
        validate=Range(0, 9_999),
        metadata={"description": "How many go back on sale", "example": 1},
    )
    refund_instead = Boolean(
        load_default=False, metadata={"description": "Refund what was to be exchanged"}
    )


class ArbitrateBody(Schema):
    is_granted = Boolean(required=True, metadata={"example": True})
    note = short_text(500, required=True, metadata={"example": "照片显示运输破损，支持会员"})
    amount_fen = fen(
        load_default=None,
        allow_none=True,
        metadata={"description": "A part of the money; left out: what was asked"},
    )


class ReturnAddressBody(Schema):
    recipient = short_text(50, required=True, metadata={"example": "良姜合作社售后"})
    phone = code_text(20, required=True, metadata={"example": "13800000002"})
    region_code = region_code(required=True, metadata={"example": "440825"})
    detail = short_text(200, required=True, metadata={"example": "龙塘镇 2 号仓"})

    @post_load
    def form(self, data: dict[str, Any], **_: Any) -> AddressForm:
        return AddressForm(**data)


class ReturnAddressReply(Schema):
    recipient = String(metadata={"example": "良姜合作社售后"})
    phone = String(metadata={"example": "13800000002"})
    region_code = String(metadata={"example": "440825"})
    detail = String(metadata={"example": "龙塘镇 2 号仓"})


class CaseReply(Schema):
    id = UUID(metadata={"example": str(a_uuid())})
    number = String(metadata={"example": "S261124K7Q2M9X4TB"})
    order_id = UUID()
    order_no = String(metadata={"example": "D261124K7Q2M9X4TB"})
    order_line_id = UUID()
    fulfillment_order_id = UUID()
    supplier_id = UUID()
    sku_id = UUID()
    title = String(metadata={"example": "徐闻良姜片"})
    kind = String(metadata={"example": "refund_only"})
    reason = String(metadata={"example": "damaged"})
    description = String()
    photos = List(String())
    quantity = Integer(metadata={"example": 1})
    is_unsent = Boolean(metadata={"description": "Asked for before they left"})
    amount_fen = Integer(metadata={"description": "What it is about", "example": 5600})
    state = String(metadata={"example": "requested"})
    due_at = DateTime(allow_none=True, metadata={"description": "When silence decides"})
    return_to = Dict(allow_none=True)
    return_carrier = String(allow_none=True)
    return_tracking_no = String(allow_none=True)
    received_at = DateTime(allow_none=True)
    refunded_fen = Integer(allow_none=True, metadata={"example": None})
    freight_fen = Integer(metadata={"description": "Freight that went back with it", "example": 0})
    replacement_id = UUID(
        allow_none=True, metadata={"description": "The fulfillment order that sends other goods"}
    )
    created_at = DateTime()
    closed_at = DateTime(allow_none=True)


class CaseEventReply(Schema):
    happened_at = DateTime()
    actor = String(metadata={"example": "system"})
    from_state = String(allow_none=True)
    to_state = String(metadata={"example": "requested"})
    note = String()


class CaseDetailReply(CaseReply):
    history = List(Nested(CaseEventReply))


class CasePage(Schema):
    items = Items(CaseReply)
    next_cursor = UUID(allow_none=True)


class CaseQuery(PageQuery):
    state = String(load_default=None, validate=OneOf(rules.STATES.states))
