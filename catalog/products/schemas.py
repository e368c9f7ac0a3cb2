"""Products on the wire."""

from apiflask.fields import URL, UUID, DateTime, Dict, Integer, List, Nested, String
from apiflask.validators import Length, OneOf, Range, Regexp

from catalog.products import rules
from mall.kernel.money import MAX_FEN
from mall.web.fields import Schema, a_uuid, no_control_characters, short_text


class Pair(Schema):
    name = short_text(50, required=True, metadata={"example": "规格"})
    value = String(required=True, validate=Length(1, 1000), metadata={"example": "5 斤装"})


class SkuBody(Schema):
    code = short_text(64, required=True, metadata={"example": "LJ-5"})
    options = List(Nested(Pair), load_default=list, validate=Length(max=rules.MAX_OPTIONS))
    list_price_fen = Integer(required=True, strict=True, validate=Range(1, MAX_FEN))
    price_fen = Integer(required=True, strict=True, validate=Range(1, MAX_FEN))
    weight_grams = Integer(load_default=500, strict=True, validate=Range(1, 1_000_000))
    min_per_order = Integer(load_default=1, strict=True, validate=Range(1, rules.MAX_QUANTITY))
    max_per_order = Integer(
        load_default=rules.MAX_QUANTITY, strict=True, validate=Range(1, rules.MAX_QUANTITY)
    )


class ProductBody(Schema):
    title = short_text(100, required=True, metadata={"example": "徐闻良姜片"})
    category_id = UUID(required=True)
    brief = String(load_default="", validate=[Length(max=200), no_control_characters])
    description = String(load_default="", validate=Length(max=20_000))
    brand = String(load_default=None, allow_none=True, validate=Length(max=50))
    unit = short_text(10, load_default="件")
    keywords = List(short_text(30), load_default=list, validate=Length(max=20))
    attributes = List(Nested(Pair), load_default=list, validate=Length(max=50))
    image_urls = List(
        String(validate=[Length(max=500), Regexp(r"^(https?://|/media/)\S+$")]),
        load_default=list,
        validate=Length(max=rules.MAX_IMAGES),
    )
    delivery_modes = List(
        String(validate=OneOf(rules.DELIVERY_MODES)),
        load_default=lambda: [rules.SHIP],
        validate=Length(1, 3),
    )
    shipping_template_id = UUID(load_default=None, allow_none=True)
    skus = List(Nested(SkuBody), required=True, validate=Length(1, rules.MAX_SKUS))


class SkuReply(Schema):
    id = UUID(metadata={"example": str(a_uuid())})
    code = String()
    options = List(Nested(Pair))
    list_price_fen = Integer(metadata={"example": 6800})
    price_fen = Integer(metadata={"example": 5600})
    weight_grams = Integer()
    min_per_order = Integer()
    max_per_order = Integer()


class OwnProductReply(Schema):
    id = UUID(metadata={"example": str(a_uuid())})
    title = String(metadata={"example": "徐闻良姜片"})
    state = String(metadata={"example": "published"})
    category_id = UUID()
    brief = String()
    description = String()
    brand = String(allow_none=True)
    unit = String()
    keywords = List(String())
    attributes = List(Nested(Pair))
    image_urls = List(String())
    delivery_modes = List(String())
    shipping_template_id = UUID(allow_none=True)
    price_fen = Integer()
    list_price_fen = Integer()
    version = Integer(metadata={"description": "Also the ETag; send it as If-Match"})
    created_at = DateTime()
    skus = List(Nested(SkuReply))


class OwnProductPage(Schema):
    items = List(Nested(OwnProductReply(exclude=("skus", "description"))))
    next_cursor = UUID(allow_none=True)


class CategoryNode(Schema):
    id = UUID(metadata={"example": str(a_uuid())})
    name = String(metadata={"example": "粮油副食"})
    children = List(Dict(metadata={"description": "Nodes of the same shape"}))


class CategoryTree(Schema):
    items = List(Nested(CategoryNode))


class CategoryBody(Schema):
    path = List(
        short_text(30), required=True, validate=Length(1, 3), metadata={"example": ["饮食", "海味"]}
    )


class CategoryReply(Schema):
    id = UUID()


class ImageReply(Schema):
    url = URL(relative=True, metadata={"example": "/media/3f/3fa4….png"})
