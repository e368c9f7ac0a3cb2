"""Where a parcel is, on the wire."""

from typing import Any

from apiflask.fields import UUID, Boolean, DateTime, Function, List, Nested, String
from apiflask.validators import OneOf
from marshmallow import post_load

from fulfillment.tracking import rules
from fulfillment.tracking.rules import Report
from mall.kernel.clock import now
from mall.kernel.text import wording
from mall.web.fields import Moment, Schema, a_uuid, short_text


class TrackingEventReply(Schema):
    happened_at = DateTime()
    state = String(metadata={"example": "in_transit"})
    text = String(metadata={"example": "快件已到达【湛江转运中心】"})
    place = String(metadata={"example": "广东,湛江市"})


class TrackingReply(Schema):
    shipment_id = UUID(metadata={"example": str(a_uuid())})
    carrier = String(metadata={"example": "sf"})
    tracking_no = String(allow_none=True, metadata={"example": "SF1234567890123"})
    state = String(metadata={"description": ", ".join(rules.STATES), "example": "in_transit"})
    state_name = Function(
        lambda reply: wording.name("parcel", reply["state"]).zh, metadata={"example": "运输中"}
    )
    delivered_at = DateTime(allow_none=True)
    events = List(Nested(TrackingEventReply), metadata={"description": "Oldest first"})


class ReportBody(Schema):
    state = String(
        required=True, validate=OneOf(rules.REPORTABLE), metadata={"example": "delivered"}
    )
    text = short_text(200, required=True, metadata={"example": "已送达门卫室，李师傅签收"})
    place = short_text(100, load_default=None, metadata={"example": "湛江市赤坎区"})
    happened_at = Moment(load_default=None, metadata={"description": "Left out: now"})

    @post_load
    def report(self, data: dict[str, Any], **_: Any) -> Report:
        return Report(
            data["happened_at"] or now(), data["state"], data["text"], data["place"] or ""
        )


class PushReply(Schema):
    result = Boolean(metadata={"example": True})
    returnCode = String(metadata={"example": "200"})
    message = String(metadata={"example": "成功"})
