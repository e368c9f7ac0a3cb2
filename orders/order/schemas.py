"""Orders on the wire."""

from apiflask.fields import UUID, DateTime, Dict, Integer, List, Nested, String
from apiflask.validators import OneOf

from mall.web.fields import Items, PageQuery, Schema, a_uuid
from orders.order import rules


class OrderLineReply(Schema):
    id = UUID(metadata={"example": str(a_uuid())})
    sku_id = UUID()
    product_id = UUID()
    supplier_id = UUID()
    supplier_name = String(metadata={"example": "徐闻县良姜农业合作社"})
    title = String(metadata={"example": "徐闻良姜片"})
    options = List(Dict())
    image_url = String(allow_none=True)
    delivery_mode = String(metadata={"example": "ship"})
    quantity = Integer(metadata={"example": 2})
    price_fen = Integer(metadata={"example": 5600})
    amount_fen = Integer(metadata={"example": 11200})
    beans_fen = Integer(metadata={"example": 11200})
    wechat_fen = Integer(metadata={"example": 0})


class FreightReply(Schema):
    supplier_id = UUID()
    fee_fen = Integer(metadata={"example": 800})
    beans_fen = Integer()
    wechat_fen = Integer()


class OrderReply(Schema):
    id = UUID(metadata={"example": str(a_uuid())})
    order_no = String(metadata={"example": "D261124K7Q2M9X4TB"})
    state = String(metadata={"example": "paid"})
    tender = String(metadata={"example": "beans"})
    goods_fen = Integer(metadata={"example": 11200})
    freight_fen = Integer(metadata={"example": 0})
    total_fen = Integer(metadata={"example": 11200})
    beans_fen = Integer(metadata={"example": 11200})
    wechat_fen = Integer(metadata={"example": 0})
    refunded_beans_fen = Integer(metadata={"description": "Gone back since", "example": 0})
    refunded_wechat_fen = Integer(metadata={"example": 0})
    freight = List(Nested(FreightReply))
    address = Dict(allow_none=True)
    note = String()
    placed_at = DateTime()
    pay_by = DateTime(allow_none=True)
    paid_at = DateTime(allow_none=True)
    completed_at = DateTime(allow_none=True)
    cancelled_at = DateTime(allow_none=True)
    cancel_reason = String(allow_none=True)
    lines = List(Nested(OrderLineReply))


class OrderEventReply(Schema):
    happened_at = DateTime()
    actor = String(metadata={"example": "system"})
    from_state = String(allow_none=True)
    to_state = String(metadata={"example": "paid"})
    note = String()


class OrderDetailReply(OrderReply):
    history = List(Nested(OrderEventReply))


class OrderPage(Schema):
    items = Items(OrderReply)
    next_cursor = UUID(allow_none=True)


class OrderQuery(PageQuery):
    state = String(load_default=None, validate=OneOf(rules.STATES.states))
