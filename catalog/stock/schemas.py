"""Stock on the wire."""

from apiflask.fields import UUID, Integer
from apiflask.validators import Range

from catalog.stock.rules import MAX_ON_HAND
from mall.web.fields import Schema, short_text


class StockBody(Schema):
    on_hand = Integer(
        required=True, strict=True, validate=Range(0, MAX_ON_HAND), metadata={"example": 200}
    )
    reason = short_text(100, load_default="盘点")


class StockReply(Schema):
    sku_id = UUID()
    on_hand = Integer(metadata={"example": 200})
    reserved = Integer(metadata={"description": "Promised to unpaid orders", "example": 3})
    available = Integer(metadata={"example": 197})
