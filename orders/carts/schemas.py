"""The cart on the wire."""

from apiflask.fields import UUID, Dict, Integer, List, String
from apiflask.validators import OneOf, Range

from catalog.products.rules import DELIVERY_MODES, MAX_QUANTITY
from mall.web.fields import Items, Schema


class CartLineBody(Schema):
    quantity = Integer(
        required=True, strict=True, validate=Range(1, MAX_QUANTITY), metadata={"example": 2}
    )
    delivery_mode = String(load_default=None, allow_none=True, validate=OneOf(DELIVERY_MODES))


class CartLineReply(Schema):
    sku_id = UUID()
    product_id = UUID(allow_none=True)
    title = String(allow_none=True, metadata={"example": "徐闻良姜片"})
    options = List(Dict())
    image_url = String(allow_none=True)
    quantity = Integer(metadata={"example": 2})
    delivery_mode = String(allow_none=True)
    price_fen = Integer(allow_none=True, metadata={"description": "The price of now"})
    seen_price_fen = Integer(metadata={"description": "The price when it was added"})
    available = Integer()
    changes = List(
        String(),
        metadata={
            "description": "price_changed, not_for_sale, sold_out, too_few_left",
            "example": ["price_changed"],
        },
    )


class CartReply(Schema):
    items = Items(CartLineReply)
    goods_fen = Integer(metadata={"description": "At the prices of now, what is for sale"})
