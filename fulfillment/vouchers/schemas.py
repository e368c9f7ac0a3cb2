"""Vouchers on the wire."""

from apiflask.fields import UUID, DateTime, List, Nested, String

from mall.web.fields import Schema, a_uuid, short_text


class PickupVoucherReply(Schema):
    id = UUID(metadata={"example": str(a_uuid())})
    fulfillment_order_id = UUID()
    title = String(metadata={"example": "六寸鲜奶蛋糕"})
    code = String(
        allow_none=True,
        metadata={
            "description": "Shown at the counter; none once used or revoked",
            "example": "7K2M-9X4T-BQ6R-3VNC",
        },
    )
    state = String(metadata={"example": "valid"})
    redeemed_at = DateTime(allow_none=True)


class PickupVoucherList(Schema):
    items = List(Nested(PickupVoucherReply))


class RedeemCodeBody(Schema):
    code = short_text(40, required=True, metadata={"example": "7K2M-9X4T-BQ6R-3VNC"})


class HandOutReply(Schema):
    id = UUID(metadata={"example": str(a_uuid())})
    title = String(metadata={"example": "六寸鲜奶蛋糕"})
    state = String(metadata={"example": "redeemed"})
    redeemed_at = DateTime()
