"""Refunds on the wire."""

from apiflask.fields import UUID, DateTime, Integer, String
from apiflask.validators import OneOf

from mall.web.fields import (
    Items,
    PageQuery,
    Schema,
    a_uuid,
    code_text,
    plain_text,
)
from orders.refunds import rules


class RefundItem(Schema):
    id = UUID(metadata={"example": str(a_uuid())})
    purpose = String(
        metadata={
            "description": "late: paid too late; cancelled; after_sales",
            "example": "cancelled",
        }
    )
    amount_fen = Integer(metadata={"example": 2000})
    state = String(
        metadata={
            "description": "requested, accepted by WeChat, succeeded, failed, settled elsewhere",
            "example": "succeeded",
        }
    )
    created_at = DateTime()
    ended_at = DateTime(allow_none=True)


class RefundList(Schema):
    items = Items(RefundItem)


class RefundReply(RefundItem):
    out_trade_no = String(metadata={"example": "P261124K7Q2M9X4TB"})
    out_refund_no = String(metadata={"example": "RP261124K7Q2M9X4TB"})
    refund_id = String(allow_none=True, metadata={"description": "WeChat's number"})
    reason = String(metadata={"example": "订单已取消，款项原路退回"})
    attempts = Integer(metadata={"example": 1})
    last_error = String(allow_none=True)
    settled_by = String(allow_none=True)
    channel = String(allow_none=True, metadata={"example": "bank"})
    channel_reference = String(allow_none=True)
    note = String(allow_none=True)


class RefundPage(Schema):
    items = Items(RefundReply)
    next_cursor = UUID(allow_none=True)


class RefundQuery(PageQuery):
    state = String(load_default=None, validate=OneOf(rules.STATES.states))


class SettleBody(Schema):
    channel = String(required=True, validate=OneOf(rules.CHANNELS), metadata={"example": "bank"})
    channel_reference = code_text(64, required=True, metadata={"example": "ICBC20270105000123"})
    note = plain_text(
        200,
        load_default="",
        metadata={"example": "微信账户已注销，按会员提供的银行卡退回"},
    )
