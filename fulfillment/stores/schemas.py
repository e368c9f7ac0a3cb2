"""Stores on the wire."""

from typing import Any

from apiflask.fields import UUID, Boolean, DateTime, Float, Integer, List, Nested, String, Time
from apiflask.validators import Length, Range
from marshmallow import ValidationError, post_load, validates_schema

from fulfillment.stores.rules import Hours, StoreForm
from fulfillment.stores.service import PickupRequest
from mall.access.staff.schemas import InvitationReply
from mall.web.fields import (
    Day,
    Items,
    Moment,
    PageQuery,
    Schema,
    a_uuid,
    code_text,
    plain_text,
    region_code,
    short_text,
)


class HoursBody(Schema):
    weekday = Integer(
        required=True,
        strict=True,
        validate=Range(1, 7),
        metadata={"description": "1 is Monday", "example": 6},
    )
    opens = Time(required=True, format="%H:%M", metadata={"example": "09:00"})
    closes = Time(required=True, format="%H:%M", metadata={"example": "21:00"})

    @post_load
    def hours(self, data: dict[str, Any], **_: Any) -> Hours:
        return Hours(**data)


class HoursReply(Schema):
    weekday = Integer(metadata={"example": 6})
    opens = String(metadata={"example": "09:00"})
    closes = String(metadata={"example": "21:00"})


class StoreBody(Schema):
    name = short_text(60, required=True, metadata={"example": "赤坎烘焙坊 · 寸金店"})
    region_code = region_code(required=True, metadata={"example": "440802"})
    detail = short_text(120, required=True, metadata={"example": "寸金路 12 号"})
    latitude = Float(
        required=True,
        validate=Range(-90, 90),
        metadata={"description": "Degrees, GCJ-02", "example": 21.2707},
    )
    longitude = Float(required=True, validate=Range(-180, 180), metadata={"example": 110.3594})
    phone = code_text(20, required=True, metadata={"example": "13800000001"})
    hours = List(Nested(HoursBody), required=True, validate=Length(1, 21))
    closed_on = List(
        Day(),
        load_default=list,
        validate=Length(max=100),
        metadata={"description": "Days on which it is closed all the same"},
    )
    product_ids = List(
        UUID(),
        load_default=None,
        allow_none=True,
        validate=Length(1, 500),
        metadata={"description": "What it hands out; null: all of its merchant's"},
    )
    daily_capacity = Integer(
        load_default=None,
        allow_none=True,
        strict=True,
        validate=Range(1, 100_000),
        metadata={"description": "Units a day; null: as many as come", "example": 60},
    )
    lead_hours = Integer(
        load_default=0,
        strict=True,
        validate=Range(0, 240),
        metadata={"description": "How long before it must be chosen", "example": 24},
    )
    slot_minutes = Integer(
        load_default=120, strict=True, validate=Range(15, 720), metadata={"example": 120}
    )

    @post_load
    def form(self, data: dict[str, Any], **_: Any) -> StoreForm:
        return StoreForm(**data)


class StoreReply(Schema):
    id = UUID(metadata={"example": str(a_uuid())})
    supplier_id = UUID()
    name = String(metadata={"example": "赤坎烘焙坊 · 寸金店"})
    region_code = String(metadata={"example": "440802"})
    region = String(metadata={"example": "广东省湛江市赤坎区"})
    detail = String(metadata={"example": "寸金路 12 号"})
    latitude = Float(metadata={"example": 21.2707})
    longitude = Float(metadata={"example": 110.3594})
    phone = String(metadata={"example": "13800000001"})
    hours = List(Nested(HoursReply))
    closed_on = List(String(metadata={"example": "2027-02-06"}))
    product_ids = List(UUID(), allow_none=True)
    daily_capacity = Integer(allow_none=True, metadata={"example": 60})
    lead_hours = Integer(metadata={"example": 24})
    slot_minutes = Integer(metadata={"example": 120})
    is_active = Boolean(metadata={"example": True})


class StoreList(Schema):
    items = Items(StoreReply)


class NearbyReply(StoreReply):
    distance_km = Float(
        allow_none=True,
        metadata={"description": "From `near`, as the crow flies", "example": 1.24},
    )


class NearbyPage(Schema):
    items = Items(NearbyReply)
    next_cursor = UUID(allow_none=True)


class NearbyQuery(PageQuery):
    supplier_id = UUID(load_default=None)
    product_id = UUID(
        load_default=None, metadata={"description": "Only stores that hand this product out"}
    )
    latitude = Float(load_default=None, validate=Range(-90, 90), metadata={"example": 21.2707})
    longitude = Float(load_default=None, validate=Range(-180, 180), metadata={"example": 110.3594})

    @validates_schema
    def both_or_none(self, data: dict[str, Any], **_: Any) -> None:
        if (data["latitude"] is None) != (data["longitude"] is None):
            raise ValidationError("Missing data for required field.", "longitude")


class SlotsQuery(Schema):
    first = Day(load_default=None, metadata={"description": "Left out: today in Beijing"})
    days = Integer(load_default=7, validate=Range(1, 31))


class SlotReply(Schema):
    starts_at = DateTime()
    ends_at = DateTime()
    left = Integer(
        allow_none=True,
        metadata={
            "description": "Units the store can still take that day; null: any",
            "example": 8,
        },
    )


class SlotList(Schema):
    items = Items(SlotReply)


class ActiveBody(Schema):
    is_active = Boolean(required=True)


class PickupWishSchema(Schema):
    store_id = UUID(required=True, metadata={"example": str(a_uuid())})
    starts_at = Moment(
        required=True,
        metadata={"description": "A time that the store lists", "example": "2026-12-01T10:00:00Z"},
    )


class PickupBody(Schema):
    choices = List(Nested(PickupWishSchema), required=True, validate=Length(1, 20))

    @post_load
    def wishes(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        return {"choices": [PickupRequest(**each) for each in data["choices"]]}


class PickupReply(Schema):
    supplier_id = UUID()
    store = Nested(StoreReply)
    slot_starts = DateTime()
    slot_ends = DateTime()
    units = Integer(metadata={"example": 1})


class PickupList(Schema):
    items = Items(PickupReply)


class ClerkBody(Schema):
    username = code_text(32, required=True, metadata={"example": "cunjin-01"})
    display_name = plain_text(
        50,
        load_default="",
        metadata={"example": "寸金店 早班"},
    )
    is_manager = Boolean(
        load_default=False, metadata={"description": "May take a hand-out back within ten minutes"}
    )


class ClerkReply(Schema):
    id = UUID(metadata={"example": str(a_uuid())})
    username = String(metadata={"example": "cunjin-01"})
    display_name = String(metadata={"example": "寸金店 早班"})
    duties = List(String(metadata={"example": "manages"}))
    is_active = Boolean()
    created_at = DateTime()


class InvitedClerk(ClerkReply):
    invitation = Nested(InvitationReply)


class ClerkList(Schema):
    items = Items(ClerkReply)
