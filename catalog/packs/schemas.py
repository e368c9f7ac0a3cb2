"""Packs on the wire."""

from typing import Any

from apiflask.fields import UUID, Boolean, Integer, List, Nested, String
from apiflask.validators import Length, Range

from catalog.packs import rules
from mall.web.fields import (
    Items,
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
        metadata={"description": "Of one, within the pack; left out: the SKU's", "example": 4950},
    )


class PackBody(Schema):
    title = short_text(60, required=True, metadata={"example": "春节慰问 A 包"})
    brief = plain_text(
        200,
        load_default="",
        metadata={"example": "徐闻良姜、雷州海产"},
    )
    image_url = stored_image(load_default=None, allow_none=True)
    parts = List(Nested(PartBody), required=True, validate=Length(1, rules.MAX_PARTS))
    is_active = Boolean(load_default=True)


class PartReply(Schema):
    sku_id = UUID(metadata={"example": str(a_uuid())})
    quantity = Integer(metadata={"example": 2})
    price_fen = Integer(metadata={"example": 4950})
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


def form_of(data: dict[str, Any]) -> rules.PackForm:
    """Return the form in a body."""
    parts = tuple(rules.Part(**part) for part in data.pop("parts"))
    return rules.PackForm(parts=parts, **data)


def reply_of(pack: rules.PackOffer) -> dict[str, Any]:
    """Return a pack as it is shown."""
    names = ("id", "title", "brief", "image_url", "price_fen", "market_fen", "available")
    more = ("is_active", "version")
    return {
        **{name: getattr(pack, name) for name in (*names, *more)},
        "delivery_modes": sorted(pack.delivery_modes),
        "parts": [_part(pack, part) for part in pack.parts],
    }


def _part(pack: rules.PackOffer, part: rules.Part) -> dict[str, Any]:
    offer = pack.offers.get(part.sku_id)
    return {
        **vars(part),
        "title": offer.title if offer else None,
        "supplier_name": offer.supplier_name if offer else None,
        "is_for_sale": bool(offer and offer.is_for_sale),
        "available": max(0, offer.available) if offer else 0,
    }
