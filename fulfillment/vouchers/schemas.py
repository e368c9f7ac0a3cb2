"""Vouchers on the wire."""

from apiflask.fields import UUID, DateTime, Dict, Integer, List, Nested, String

from fulfillment.stores.schemas import StoreReply
from mall.web.fields import Day, Items, Moment, Schema, a_uuid, code_text, short_text


class PlaceReply(Schema):
    store = Nested(StoreReply)
    slot_starts = DateTime()
    slot_ends = DateTime()


class PickupVoucherReply(Schema):
    id = UUID(metadata={"example": str(a_uuid())})
    fulfillment_order_id = UUID()
    title = String(metadata={"example": "六寸鲜奶蛋糕"})
    code = String(
        allow_none=True,
        metadata={
            "description": "Shown at the counter; none once used, revoked or expired",
            "example": "7K2M-9X4T-BQ6R-3VNC",
        },
    )
    short_code = String(
        allow_none=True,
        metadata={
            "description": "To be typed where nothing can be scanned",
            "example": "4821 093 755",
        },
    )
    state = String(
        metadata={"description": "valid, redeemed, revoked, expired", "example": "valid"}
    )
    expires_at = DateTime()
    redeemed_at = DateTime(allow_none=True)
    pickup = Nested(
        PlaceReply, allow_none=True, metadata={"description": "Where and when, once chosen"}
    )


class PickupVoucherList(Schema):
    items = Items(PickupVoucherReply)


class RedeemCodeBody(Schema):
    code = code_text(
        40,
        required=True,
        metadata={
            "description": "What the QR code says, or the short code",
            "example": "7K2M-9X4T-BQ6R-3VNC",
        },
    )


class HandOutReply(Schema):
    id = UUID(metadata={"example": str(a_uuid())})
    title = String(metadata={"example": "六寸鲜奶蛋糕"})
    options = List(Dict(), metadata={"description": "Which of it", "example": [{"口味": "芒果"}]})
    quantity = Integer(metadata={"example": 1})
    order_no = String(metadata={"example": "D261124K7Q2M9X4TB"})
    member = String(metadata={"description": "Masked", "example": "陈**"})
    note = String(metadata={"example": "蜡烛数字 30"})
    state = String(metadata={"example": "redeemed"})
    expires_at = DateTime()
    redeemed_at = DateTime(allow_none=True)


class UndoBody(Schema):
    reason = short_text(200, required=True, metadata={"example": "扫错顾客，蛋糕未取走"})


class DayQuery(Schema):
    day = Day(load_default=None, metadata={"description": "Left out: today in Beijing"})


class DayLine(Schema):
    title = String(metadata={"example": "六寸鲜奶蛋糕"})
    options = List(Dict())
    quantity = Integer(metadata={"example": 1})
    handed_out = Integer(metadata={"example": 0})


class DayReply(Schema):
    order_no = String(metadata={"example": "D261124K7Q2M9X4TB"})
    member = String(metadata={"example": "陈**"})
    slot_starts = DateTime()
    slot_ends = DateTime()
    note = String()
    state = String(metadata={"example": "open"})
    lines = List(Nested(DayLine))


class DayList(Schema):
    items = Items(DayReply)


class OpsVoucherReply(Schema):
    id = UUID(metadata={"example": str(a_uuid())})
    fulfillment_order_id = UUID()
    supplier_id = UUID()
    member_id = UUID()
    state = String(metadata={"example": "valid"})
    created_at = DateTime()
    expires_at = DateTime()
    redeemed_at = DateTime(allow_none=True)
    redeemed_by = String(allow_none=True)
    store_id = UUID(allow_none=True)
    history = List(Dict(), metadata={"description": "What was taken back or extended, and why"})


class OpsVoucherList(Schema):
    items = Items(OpsVoucherReply)


class OpsVoucherQuery(Schema):
    order_no = code_text(40, required=True, metadata={"example": "D261124K7Q2M9X4TB"})


class ExtendBody(Schema):
    expires_at = Moment(required=True, metadata={"example": "2027-12-31T16:00:00Z"})
    note = short_text(200, required=True, metadata={"example": "门店装修，顺延"})
