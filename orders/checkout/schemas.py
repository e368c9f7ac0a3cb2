"""Checkout on the wire."""

from typing import Any

from apiflask.fields import UUID, DateTime, Dict, Integer, List, Nested, String
from apiflask.validators import Length, OneOf, Range
from marshmallow import post_load

from catalog.products.rules import DELIVERY_MODES
from mall.kernel.money import MAX_FEN
from mall.web.fields import Schema, a_uuid, plain_text
from orders.checkout import rules


class WantedLineSchema(Schema):
    sku_id = UUID(required=True, metadata={"example": str(a_uuid())})
    quantity = Integer(
        required=True, strict=True, validate=Range(1, rules.MAX_QUANTITY), metadata={"example": 2}
    )
    delivery_mode = String(load_default=None, allow_none=True, validate=OneOf(DELIVERY_MODES))

    @post_load
    def line(self, data: dict[str, Any], **_: Any) -> rules.WantedLine:
        return rules.WantedLine(**data)


class QuoteBody(Schema):
    lines = List(
        Nested(WantedLineSchema),
        load_default=None,
        allow_none=True,
        validate=Length(1, rules.MAX_LINES),
        metadata={"description": "Left out: the cart"},
    )
    tender = String(
        load_default=rules.MIXED,
        validate=OneOf(rules.TENDERS),
        metadata={"description": "mixed: beans first, the rest by WeChat"},
    )
    max_beans_fen = Integer(
        load_default=None, allow_none=True, strict=True, validate=Range(0, MAX_FEN)
    )
    address_id = UUID(load_default=None, allow_none=True)

    @post_load
    def checkout(self, data: dict[str, Any], **_: Any) -> rules.Checkout:
        lines = tuple(data.pop("lines")) if data["lines"] is not None else data.pop("lines")
        return rules.Checkout(lines=lines, **data)


class PlaceOrderBody(QuoteBody):
    quoted_total_fen = Integer(
        required=True,
        strict=True,
        validate=Range(1, MAX_FEN),
        metadata={"description": "The total the member saw and agrees to", "example": 11200},
    )
    note = plain_text(
        200,
        load_default="",
    )


class DrawReply(Schema):
    lot_id = UUID()
    amount_fen = Integer(metadata={"example": 5600})


class QuoteLineReply(Schema):
    sku_id = UUID()
    product_id = UUID()
    supplier_id = UUID()
    supplier_name = String(metadata={"example": "徐闻县良姜农业合作社"})
    title = String(metadata={"example": "徐闻良姜片"})
    options = List(Dict())
    quantity = Integer(metadata={"example": 2})
    delivery_mode = String(metadata={"example": "ship"})
    price_fen = Integer(metadata={"example": 5600})
    amount_fen = Integer(metadata={"example": 11200})
    beans_fen = Integer(metadata={"example": 5600})
    wechat_fen = Integer(metadata={"example": 5600})
    lots = List(Nested(DrawReply))


class QuoteFreightReply(Schema):
    supplier_id = UUID()
    fee_fen = Integer(metadata={"example": 800})
    beans_fen = Integer()
    wechat_fen = Integer()
    lots = List(Nested(DrawReply))


class QuoteReply(Schema):
    lines = List(Nested(QuoteLineReply))
    freight = List(Nested(QuoteFreightReply))
    goods_fen = Integer(metadata={"example": 11200})
    freight_fen = Integer(metadata={"example": 800})
    total_fen = Integer(metadata={"example": 12000})
    beans_fen = Integer(metadata={"example": 5600})
    wechat_fen = Integer(metadata={"description": "What WeChat would pay", "example": 6400})


class ReceiptReply(Schema):
    order_id = UUID(metadata={"example": str(a_uuid())})
    order_no = String(metadata={"example": "D261124K7Q2M9X4TB"})
    state = String(metadata={"example": "paid"})
    total_fen = Integer(metadata={"example": 11200})
    beans_fen = Integer(metadata={"example": 11200})
    wechat_fen = Integer(metadata={"example": 0})
    pay_by = DateTime(allow_none=True)


class CancelReply(Schema):
    state = String(metadata={"example": "cancelled"})
