"""Stock on the wire."""

from apiflask.fields import UUID, DateTime, Integer, String
from apiflask.validators import NoneOf, OneOf, Range

from catalog.stock.rules import ADJUSTMENTS, MAX_ON_HAND
from mall.web.fields import Items, Schema, a_uuid, short_text


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


class AdjustBody(Schema):
    change = Integer(
        required=True,
        strict=True,
        validate=[Range(-MAX_ON_HAND, MAX_ON_HAND), NoneOf([0])],
        metadata={"description": "Units to add, or to take away if negative", "example": -2},
    )
    cause = String(required=True, validate=OneOf(ADJUSTMENTS))
    reason = short_text(100, required=True, metadata={"example": "运输破损"})


class MovementItem(Schema):
    id = UUID(metadata={"example": str(a_uuid())})
    quantity = Integer(metadata={"description": "Negative: left", "example": -2})
    cause = String(metadata={"example": "sale"})
    reference = String(metadata={"example": "order:019a3c5e-0000-7000-8000-000000000001"})
    moved_at = DateTime()


class MovementPage(Schema):
    items = Items(MovementItem)
    next_cursor = UUID(allow_none=True)


class LowStockItem(Schema):
    sku_id = UUID()
    product_id = UUID()
    title = String(metadata={"example": "徐闻良姜片"})
    code = String(metadata={"example": "LJ-500"})
    available = Integer(metadata={"example": 3})
    low_stock_at = Integer(metadata={"example": 5})


class LowStockPage(Schema):
    items = Items(LowStockItem)
    next_cursor = UUID(allow_none=True)
