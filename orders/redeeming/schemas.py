"""Entitlements and their redemption on the wire."""

from typing import Any

from apiflask.fields import UUID, Boolean, DateTime, Dict, Integer, List, Nested, String
from apiflask.validators import Length

from mall.web.fields import Day, Items, Schema, a_uuid
from orders.checkout.schemas import WantedLineSchema
from orders.programmes.rules import MAX_ITEMS
from orders.redeeming.rules import Choice


class ChoiceBody(Schema):
    pack_id = UUID(
        load_default=None,
        allow_none=True,
        metadata={"description": "One of the programme's packs; left out where there is only one"},
    )
    items = List(
        Nested(WantedLineSchema),
        load_default=list,
        validate=Length(max=MAX_ITEMS),
        metadata={"description": "Where items are chosen freely"},
    )
    address_id = UUID(
        load_default=None,
        allow_none=True,
        metadata={"description": "Left out: the default address"},
    )


class CodeBody(Schema):
    code = String(
        required=True, validate=Length(8, 40), metadata={"example": "K7Q2-M9X4-TB0C-5D8E"}
    )


class CodeChoiceBody(ChoiceBody):
    code = String(
        required=True, validate=Length(8, 40), metadata={"example": "K7Q2-M9X4-TB0C-5D8E"}
    )


class RedeemedReply(Schema):
    entitlement_id = UUID(metadata={"example": str(a_uuid())})
    order_id = UUID(metadata={"example": str(a_uuid())})
    order_no = String(metadata={"example": "D261124K7Q2M9X4TB"})
    pack_id = UUID(allow_none=True)
    total_fen = Integer(metadata={"example": 30000})


class ChosenPart(Schema):
    sku_id = UUID(metadata={"example": str(a_uuid())})
    product_id = UUID()
    supplier_id = UUID()
    supplier_name = String(metadata={"example": "徐闻县良姜种植专业合作社"})
    title = String(metadata={"example": "徐闻良姜片"})
    options = List(Dict())
    quantity = Integer(metadata={"example": 2})
    price_fen = Integer(metadata={"example": 4950})


class ChoicePack(Schema):
    pack_id = UUID(metadata={"example": str(a_uuid())})
    title = String(metadata={"example": "春节慰问 A 包"})
    price_fen = Integer(metadata={"example": 30000})
    available = Integer(metadata={"description": "Packs that stock allows", "example": 120})
    parts = List(Nested(ChosenPart))


class EntitlementItem(Schema):
    id = UUID(metadata={"example": str(a_uuid())})
    programme_id = UUID()
    programme_name = String(metadata={"example": "2027 年春节慰问"})
    kind = String(metadata={"example": "pick_one"})
    delivery = String(metadata={"example": "ship"})
    state = String(metadata={"example": "open"})
    amount_fen = Integer(metadata={"example": 30000})
    opens_on = Day()
    closes_on = Day()
    expires_on = Day()
    order_id = UUID(allow_none=True)
    pack_id = UUID(allow_none=True)
    redeemed_at = DateTime(allow_none=True)
    is_redeemable = Boolean(metadata={"description": "There is something to choose or confirm"})


class EntitlementReply(EntitlementItem):
    lot_id = UUID(allow_none=True, metadata={"description": "The beans, where it is beans"})
    code = String(allow_none=True, metadata={"example": "K7Q2-M9X4-TB0C-5D8E"})
    max_items = Integer(allow_none=True)
    packs = List(Nested(ChoicePack))
    selection = Dict(allow_none=True, metadata={"description": "Products to choose from"})


class EntitlementPage(Schema):
    items = Items(EntitlementItem)
    next_cursor = UUID(allow_none=True)


class VoucherReply(Schema):
    """What whoever has a code may see: what there is to choose, not whose it is."""

    programme_name = String(metadata={"example": "2027 年春节慰问"})
    state = String(metadata={"example": "open"})
    amount_fen = Integer(metadata={"example": 30000})
    opens_on = Day()
    closes_on = Day()
    delivery = String(metadata={"example": "ship"})
    max_items = Integer(allow_none=True)
    packs = List(Nested(ChoicePack))


def choice_of(data: dict[str, Any]) -> Choice:
    """Return the choice in a body."""
    return Choice(data["pack_id"], tuple(data["items"]), data["address_id"])
