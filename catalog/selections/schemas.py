"""Selections on the wire."""

from typing import Any

from apiflask.fields import UUID, DateTime, Integer, List, Nested, String
from apiflask.validators import Length, Range

from catalog.selections import rules
from mall.web.fields import Items, Schema, a_uuid, plain_text, short_text


class ItemSchema(Schema):
    product_id = UUID(required=True)
    sku_ids = List(
        UUID(),
        load_default=list,
        validate=Length(max=200),
        metadata={"description": "Left out: every SKU"},
    )


class VersionBody(Schema):
    items = List(Nested(ItemSchema), required=True, validate=Length(1, rules.MAX_ITEMS))
    note = plain_text(
        200,
        load_default="",
        metadata={"example": "增加两款粽子"},
    )


class SelectionBody(VersionBody):
    name = short_text(60, required=True, metadata={"example": "2027 端午选品"})


class SelectionItem(Schema):
    id = UUID(metadata={"example": str(a_uuid())})
    name = String(metadata={"example": "2027 端午选品"})
    version = Integer(metadata={"description": "Its newest", "example": 2})
    created_at = DateTime()


class SelectionPage(Schema):
    items = Items(SelectionItem)
    next_cursor = UUID(allow_none=True)


class SelectionReply(Schema):
    id = UUID(metadata={"example": str(a_uuid())})
    name = String(metadata={"example": "2027 端午选品"})
    version = Integer(metadata={"example": 2})
    newest_version = Integer(metadata={"example": 2})
    digest = String(metadata={"description": "SHA-256 of its content", "example": "9f86d081"})
    note = String(metadata={"example": "增加两款粽子"})
    items = Items(ItemSchema)
    created_at = DateTime()


class VersionQuery(Schema):
    version = Integer(
        load_default=None,
        validate=Range(1, 1_000_000),
        metadata={"description": "Left out: the newest", "example": 2},
    )


def items_of(data: dict[str, Any]) -> list[rules.Item]:
    """Return the items in a body."""
    return [rules.Item(each["product_id"], tuple(each["sku_ids"])) for each in data["items"]]
