"""Receiving, handing out and acceptance on the wire."""

from typing import Any

from apiflask.fields import UUID, DateTime, Integer, List, Nested, String
from apiflask.validators import Length, OneOf, Range
from marshmallow import ValidationError, post_load, validates_schema

from fulfillment.handover import rules
from fulfillment.handover.queries import MISSING
from fulfillment.handover.rules import CountedLine
from fulfillment.handover.service.handing import HandOutEntry
from fulfillment.handover.service.receiving import LoadCount
from fulfillment.shipments.rules import CARRIERS
from mall.web.fields import (
    Items,
    Schema,
    a_uuid,
    code_text,
    plain_text,
    short_text,
)


def _note() -> String:
    return plain_text(
        500,
        load_default="",
        metadata={"example": "实收 340 份，外观完好，现场抽检合格。"},
    )


class AcceptanceBody(Schema):
    note = _note()


class AcceptedReply(Schema):
    id = UUID(metadata={"example": str(a_uuid())})
    number = String(metadata={"example": "W261124K7Q2M9X4TB"})
    state = String(metadata={"example": "accepted"})


class LoadLineReply(Schema):
    line_id = UUID()
    title = String(metadata={"example": "徐闻良姜礼盒"})
    sent = Integer(metadata={"example": 170})
    received = Integer(allow_none=True, metadata={"description": "Whole", "example": 168})
    damaged = Integer(allow_none=True, metadata={"example": 1})


class LoadReply(Schema):
    shipment_id = UUID(metadata={"example": str(a_uuid())})
    fulfillment_order_id = UUID()
    number = String(metadata={"example": "F261124K7Q2M9X4TB"})
    carrier = String(metadata={"example": "self"})
    tracking_no = String(allow_none=True)
    dispatched_at = DateTime()
    received_at = DateTime(allow_none=True)
    received_by = String(allow_none=True)
    note = String()
    lines = List(Nested(LoadLineReply))


class LoadList(Schema):
    items = Items(LoadReply)


class CountedSchema(Schema):
    line_id = UUID(required=True)
    received = Integer(
        required=True, strict=True, validate=Range(0, 1_000_000), metadata={"example": 168}
    )
    damaged = Integer(
        load_default=0, strict=True, validate=Range(0, 1_000_000), metadata={"example": 1}
    )


class ReceiptBody(Schema):
    shipment_id = UUID(required=True)
    lines = List(
        Nested(CountedSchema),
        load_default=list,
        validate=Length(max=200),
        metadata={"description": "Lines left out came whole; what is in neither count is short"},
    )
    wish = String(
        load_default=rules.REFUND,
        validate=OneOf(rules.WISHES),
        metadata={"description": "For what is short or broken: the money, or the goods again"},
    )
    note = _note()

    @validates_schema
    def each_line_once(self, data: dict[str, Any], **_: Any) -> None:
        ids = [each["line_id"] for each in data.get("lines", [])]
        if len(ids) != len(set(ids)):
            raise ValidationError("Not all elements are unique.", "lines")

    @post_load
    def receipt(self, data: dict[str, Any], **_: Any) -> LoadCount:
        lines = tuple(CountedLine(**each) for each in data.pop("lines"))
        return LoadCount(lines=lines, **data)


class ReceivedReply(Schema):
    shipment_id = UUID()
    case_ids = List(UUID(), metadata={"description": "What was claimed: one for each difference"})


class TickSchema(Schema):
    recipient_id = UUID(required=True)
    state = String(
        required=True, validate=OneOf(rules.HAND_OUTS.states), metadata={"example": "handed_out"}
    )
    note = plain_text(
        200,
        load_default="",
        metadata={"example": "同事李四代领"},
    )
    carrier = String(
        load_default=None,
        allow_none=True,
        validate=OneOf(list(CARRIERS)),
        metadata={"description": "Of what is forwarded", "example": "sf"},
    )
    tracking_no = String(
        load_default=None,
        allow_none=True,
        validate=Length(1, 40),
        metadata={"example": "SF1234567890123"},
    )

    @post_load
    def tick(self, data: dict[str, Any], **_: Any) -> HandOutEntry:
        return HandOutEntry(data.pop("recipient_id"), **data)


class HandOutBody(Schema):
    items = List(Nested(TickSchema), required=True, validate=Length(1, rules.MAX_TICKS))

    @validates_schema
    def each_once(self, data: dict[str, Any], **_: Any) -> None:
        ids = [each.entitlement_id for each in data.get("items", [])]
        if len(ids) != len(set(ids)):
            raise ValidationError("Not all elements are unique.", "items")


class ScanBody(Schema):
    code = code_text(80, required=True, metadata={"description": "What the member shows"})


class ScanReply(Schema):
    recipient_id = UUID(metadata={"example": str(a_uuid())})
    name = String(metadata={"example": "陈小湛"})
    department = String(metadata={"example": "综合部"})
    counts = Nested(lambda: HandOutCounts())


class HandOutCounts(Schema):
    handed_out = Integer(metadata={"example": 320})
    kept = Integer(metadata={"example": 12})
    forwarded = Integer(metadata={"example": 3})


class ShareReply(Schema):
    recipient_id = UUID(metadata={"example": str(a_uuid())})
    position = Integer(metadata={"example": 1})
    name = String(metadata={"example": "陈小湛"})
    employee_no = String(allow_none=True)
    department = String(metadata={"example": "综合部"})
    state = String(allow_none=True, metadata={"example": "handed_out"})
    recorded_at = DateTime(allow_none=True)
    recorded_by = String(allow_none=True)
    note = String(allow_none=True)
    carrier = String(allow_none=True)
    tracking_no = String(allow_none=True)


class SharePage(Schema):
    items = Items(ShareReply)
    counts = Nested(HandOutCounts)
    next_after = Integer(allow_none=True)


class ShareQuery(Schema):
    state = String(
        load_default=None,
        validate=OneOf((*rules.HAND_OUTS.states, MISSING)),
        metadata={"description": "missing: nothing was recorded yet"},
    )
    after = Integer(load_default=0, validate=Range(0, 10_000_000))
    limit = Integer(load_default=50, validate=Range(1, 200))


class HandOutCodeReply(Schema):
    code = String(
        metadata={
            "description": "Shown as a QR code to whoever hands out at the unit",
            "example": "019a3c5e00007000800000000000000a-7K2M9X4TBQ6R3VNC",
        }
    )
    state = String(allow_none=True, metadata={"example": "kept"})
    recorded_at = DateTime(allow_none=True)


class ClaimReply(Schema):
    id = UUID(metadata={"example": str(a_uuid())})
    number = String(metadata={"example": "S261124K7Q2M9X4TB"})
    title = String(metadata={"example": "徐闻良姜礼盒"})
    kind = String(metadata={"example": "refund_only"})
    reason = String(metadata={"example": "too_few"})
    quantity = Integer(metadata={"example": 2})
    amount_fen = Integer(metadata={"example": 59_800})
    refunded_fen = Integer(allow_none=True)
    state = String(metadata={"example": "requested"})
    due_at = DateTime(allow_none=True)
    created_at = DateTime()


class ClaimList(Schema):
    items = Items(ClaimReply)


class ClaimNoteBody(Schema):
    note = short_text(500, required=True, metadata={"example": "照片显示运输中压坏"})
