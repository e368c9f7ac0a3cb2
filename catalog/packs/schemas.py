"""Packs on the wire."""

from typing import Any

from apiflask.fields import UUID, Boolean, DateTime, Dict, Integer, List, Nested, String
from apiflask.validators import Length, OneOf, Range

from catalog.packs import rules
from mall.web.fields import (
    Items,
    PageQuery,
    Schema,
    a_uuid,
    fen,
    plain_text,
    short_text,
    stored_image,
)


class PartBody(Schema):
    sku_id = UUID(required=True)
    quantity = Integer(
        required=True, strict=True, validate=Range(1, rules.MAX_QUANTITY), metadata={"example": 2}
    )
    price_fen = fen(
        load_default=None,
        allow_none=True,
        metadata={
            "description": "Of one, within the pack; left out: its supplier's price for unions",
            "example": 4950,
        },
    )


class PackBody(Schema):
    title = short_text(60, required=True, metadata={"example": "春节慰问 A 包"})
    brief = plain_text(
        200,
        load_default="",
        metadata={"example": "徐闻良姜、雷州海产"},
    )
    image_url = stored_image(load_default=None, allow_none=True)
    parts = List(Nested(PartBody), required=True, validate=Length(1, rules.MAX_ITEMS))
    is_active = Boolean(load_default=True)


class PartReply(Schema):
    sku_id = UUID(metadata={"example": str(a_uuid())})
    quantity = Integer(metadata={"example": 2})
    price_fen = Integer(metadata={"example": 4950})
    union_price_fen = Integer(
        allow_none=True,
        metadata={
            "description": "What its supplier sells to unions at (工会采购价)",
            "example": 4950,
        },
    )
    price_basis = String(
        validate=OneOf(rules.BASES),
        metadata={
            "description": "Only `union_price` and `accepted` can be submitted",
            "example": "union_price",
        },
    )
    title = String(allow_none=True, metadata={"example": "徐闻良姜片"})
    supplier_name = String(allow_none=True, metadata={"example": "徐闻县良姜种植专业合作社"})
    is_for_sale = Boolean()
    available = Integer(metadata={"example": 120})


class PackReply(Schema):
    id = UUID(metadata={"example": str(a_uuid())})
    title = String(metadata={"example": "春节慰问 A 包"})
    brief = String()
    image_url = String(allow_none=True)
    price_fen = Integer(metadata={"example": 30000})
    market_fen = Integer(
        metadata={"description": "What the parts cost by themselves", "example": 31200}
    )
    available = Integer(metadata={"description": "Packs that stock allows", "example": 400})
    delivery_modes = List(String(), metadata={"example": ["ship", "unit_delivery"]})
    is_active = Boolean()
    version = Integer(metadata={"example": 1})
    parts = List(Nested(PartReply))


class PackPage(Schema):
    items = Items(PackReply)
    next_cursor = UUID(allow_none=True)


class UnionPrice(Schema):
    sku_id = UUID(metadata={"example": str(a_uuid())})
    title = String(metadata={"example": "徐闻良姜片"})
    options = List(Dict())
    price_fen = Integer(metadata={"description": "What members pay", "example": 5600})
    union_price_fen = Integer(metadata={"description": "What unions pay", "example": 4950})
    available = Integer(metadata={"example": 120})


class UnionPriceList(Schema):
    items = Items(UnionPrice)


class PriceAskBody(Schema):
    note = plain_text(
        500,
        load_default="",
        metadata={"example": "春节慰问 400 份，能否按 48 元供货"},
    )


class PriceAnswerBody(Schema):
    is_accepted = Boolean(required=True, metadata={"example": True})
    answer = plain_text(
        500,
        load_default="",
        metadata={"example": "可以，2 月 1 日前下单有效"},
    )


class PriceRequestReply(Schema):
    id = UUID(metadata={"example": str(a_uuid())})
    pack_id = UUID()
    pack_title = String(metadata={"example": "春节慰问 A 包"})
    sku_id = UUID()
    title = String(metadata={"example": "徐闻良姜片"})
    options = List(Dict())
    quantity = Integer(metadata={"description": "In one pack", "example": 2})
    price_fen = Integer(metadata={"description": "What is asked for", "example": 4800})
    union_price_fen = Integer(metadata={"example": 4950})
    asked_by_name = String(metadata={"example": "湛江市中级人民法院工会"})
    note = String()
    state = String(validate=OneOf((rules.ASKED, rules.ACCEPTED, rules.REFUSED)))
    answer = String()
    asked_at = DateTime()
    decided_at = DateTime(allow_none=True)


class PriceRequestList(Schema):
    items = Items(PriceRequestReply)


class PriceRequestPage(PriceRequestList):
    next_cursor = UUID(allow_none=True)


class PriceRequestQuery(PageQuery):
    state = String(load_default=None, validate=OneOf((rules.ASKED, rules.ACCEPTED, rules.REFUSED)))


def form_of(data: dict[str, Any]) -> rules.PackForm:
    """Return the form in a body."""
    parts = tuple(rules.PackItem(**item) for item in data.pop("parts"))
    return rules.PackForm(parts=parts, **data)


def reply_of(pack: rules.PackOffer) -> dict[str, Any]:
    """Return a pack as it is shown."""
    names = ("id", "title", "brief", "image_url", "price_fen", "market_fen", "available")
    more = ("is_active", "version")
    return {
        **{name: getattr(pack, name) for name in (*names, *more)},
        "delivery_modes": sorted(pack.delivery_modes),
        "parts": [_item(pack, item) for item in pack.parts],
    }


def _item(pack: rules.PackOffer, item: rules.PackItem) -> dict[str, Any]:
    offer = pack.offers.get(item.sku_id)
    return {
        **vars(item),
        "title": offer.title if offer else None,
        "supplier_name": offer.supplier_name if offer else None,
        "is_for_sale": bool(offer and offer.is_for_sale),
        "available": max(0, offer.available) if offer else 0,
        "union_price_fen": offer.union_price_fen if offer else None,
        "price_basis": pack.basis(item),
    }
