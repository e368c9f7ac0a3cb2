"""Parcels on the wire."""

from typing import Any

from apiflask.fields import UUID, Boolean, DateTime, Function, Integer, List, Nested, String
from apiflask.validators import Length, OneOf, Range
from marshmallow import post_load

from fulfillment.dispatch.rules import DispatchItem
from fulfillment.shipments.rules import CARRIERS
from mall.web.fields import Items, Schema, a_uuid, code_text


class DispatchItemSchema(Schema):
    line_id = UUID(required=True)
    quantity = Integer(required=True, strict=True, validate=Range(1, 9_999))

    @post_load
    def item(self, data: dict[str, Any], **_: Any) -> DispatchItem:
        return DispatchItem(**data)


class ParcelBody(Schema):
    """Who carries a parcel, and under which number."""

    carrier = String(required=True, validate=OneOf(list(CARRIERS)), metadata={"example": "sf"})
    tracking_no = code_text(
        40,
        load_default=None,
        allow_none=True,
        metadata={"example": "SF1234567890123"},
    )


class DispatchBody(ParcelBody):
    items = List(
        Nested(DispatchItemSchema),
        load_default=None,
        allow_none=True,
        validate=Length(1, 100),
        metadata={"description": "Left out: all that is left"},
    )

    is_shared = Boolean(
        load_default=False,
        metadata={"description": "Goods of several recipients travel in it", "example": False},
    )


class CarrierReply(Schema):
    code = String(metadata={"example": "sf"})
    name = String(metadata={"example": "顺丰速运"})
    example = String(metadata={"description": "How its numbers look", "example": "SF1234567890123"})


class CarrierList(Schema):
    items = Items(CarrierReply)


class ShipmentReply(Schema):
    id = UUID(metadata={"example": str(a_uuid())})
    fulfillment_order_id = UUID()
    carrier = String(metadata={"example": "sf"})
    carrier_name = Function(
        lambda parcel: CARRIERS[parcel.carrier].wording.zh, metadata={"example": "顺丰速运"}
    )
    tracking_no = String(allow_none=True, metadata={"example": "SF1234567890123"})
    dispatched_at = DateTime()
    delivered_at = DateTime(allow_none=True)


class ShipmentList(Schema):
    items = Items(ShipmentReply)
