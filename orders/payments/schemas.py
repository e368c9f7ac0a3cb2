"""Payments on the wire."""

from apiflask.fields import UUID, DateTime, Dict, Integer, String
from apiflask.validators import OneOf

from mall.web.fields import Items, PageQuery, Schema, a_uuid, code_text
from orders.payments import rules


class BeginPayment(Schema):
    trade_type = String(
        load_default=rules.JSAPI,
        validate=OneOf(rules.TRADE_TYPES),
        metadata={"description": "JSAPI in the mini-program, NATIVE for a QR code on a desktop"},
    )


class PaymentReply(Schema):
    payment_id = UUID()
    out_trade_no = String(metadata={"example": "P261124K7Q2M9X4TB"})
    amount_fen = Integer(metadata={"example": 1})
    trade_type = String(metadata={"example": "JSAPI"})
    expires_at = DateTime()
    pay_parameters = Dict(
        allow_none=True, metadata={"description": "For wx.requestPayment; JSAPI only"}
    )
    code_url = String(allow_none=True, metadata={"description": "For the QR code; NATIVE only"})


class PaymentStateReply(Schema):
    out_trade_no = String()
    trade_type = String()
    amount_fen = Integer()
    state = String(metadata={"example": "paid"})
    created_at = DateTime()
    paid_at = DateTime(allow_none=True)


class PaymentList(Schema):
    items = Items(PaymentStateReply)


class MessageQuery(PageQuery):
    number = code_text(
        64,
        required=True,
        metadata={
            "description": "out_trade_no, out_refund_no, or the day of a bill",
            "example": "P261124K7Q2M9X4TB",
        },
    )


class MessageReply(Schema):
    id = UUID(metadata={"example": str(a_uuid())})
    at = DateTime()
    merchant = String(metadata={"example": "main"})
    operation = String(
        metadata={
            "description": "order, query, close, refund, refund_query, bill, bill_file, "
            "pay_notice, refund_notice",
            "example": "query",
        }
    )
    outcome = String(metadata={"example": "HTTP 200"})
    sent = String(metadata={"example": "POST /pay/orderquery …"})
    received = String()


class MessagePage(Schema):
    items = Items(MessageReply)
    next_cursor = UUID(allow_none=True)
