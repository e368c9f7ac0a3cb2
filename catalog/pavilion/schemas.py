"""Sections and the pavilion on the wire."""

from typing import Any

from apiflask.fields import UUID, Boolean, DateTime, Integer, List, Nested, String
from apiflask.validators import Length, OneOf, Range

from catalog.pavilion import rules
from mall.web.fields import (
    DEFAULT_PAGE,
    MAX_PAGE,
    Items,
    Moment,
    Schema,
    a_uuid,
    fen,
    region_prefix,
    short_text,
    stored_image,
)


def _regions(about: str) -> List:
    return List(
        region_prefix(),
        load_default=list,
        validate=Length(max=50),
        metadata={"description": about, "example": ["4408"]},
    )


class RuleSchema(Schema):
    needs_assistance = Boolean(
        load_default=False,
        metadata={"description": "Its supplier holds a valid assistance qualification"},
    )
    assistance_regions = _regions("… for one of these regions")
    origins = _regions("It comes from one of these regions")
    tags = List(
        short_text(20),
        load_default=list,
        validate=Length(max=20),
        metadata={"description": "It has one of these tags", "example": ["端午"]},
    )
    category_id = UUID(load_default=None, allow_none=True)
    min_price_fen = fen(load_default=None, allow_none=True, metadata={"example": 10000})
    max_price_fen = fen(load_default=None, allow_none=True, metadata={"example": 10000})


class SectionBody(Schema):
    kind = String(required=True, validate=OneOf(rules.KINDS))
    title = short_text(50, required=True, metadata={"example": "乡村振兴馆"})
    about = String(
        load_default="", validate=Length(max=2000), metadata={"example": "产地直发，帮扶到户"}
    )
    cover_url = stored_image(
        load_default=None,
        allow_none=True,
        metadata={"example": "/media/3f/3fa4-1280.webp"},
    )
    rule = Nested(RuleSchema, load_default=lambda: RuleSchema().load({}))
    picks = List(
        UUID(),
        load_default=list,
        validate=Length(max=rules.MAX_PICKS),
        metadata={"description": "Picked by hand; shown first, in this order"},
    )
    sort = String(load_default=rules.NEWEST, validate=OneOf(rules.SORTS))
    position = Integer(load_default=0, strict=True, validate=Range(0, 10_000))
    is_published = Boolean(load_default=True)
    starts_at = Moment(load_default=None, allow_none=True)
    ends_at = Moment(load_default=None, allow_none=True)


def form_of(data: dict[str, Any]) -> rules.SectionForm:
    """Return the form in a body."""
    rule = data["rule"]
    lists = {name: tuple(rule[name]) for name in ("assistance_regions", "origins", "tags")}
    return rules.SectionForm(
        **{**data, "rule": rules.Rule(**{**rule, **lists}), "picks": tuple(data["picks"])}
    )


class SectionReply(Schema):
    id = UUID(metadata={"example": str(a_uuid())})
    kind = String(metadata={"example": "pavilion"})
    title = String(metadata={"example": "乡村振兴馆"})
    about = String(metadata={"example": "产地直发，帮扶到户"})
    cover_url = String(allow_none=True, metadata={"example": "/media/3f/3fa4-1280.webp"})
    position = Integer()
    starts_at = DateTime(allow_none=True)
    ends_at = DateTime(allow_none=True)


class SectionList(Schema):
    items = Items(SectionReply)


class SectionDetail(SectionReply):
    rule = Nested(RuleSchema)
    picks = List(UUID())
    sort = String(metadata={"example": "newest"})
    is_published = Boolean()
    created_at = DateTime()


class SectionDetails(Schema):
    items = Items(SectionDetail(exclude=("picks",)))


class SectionProductsQuery(Schema):
    cursor = String(
        load_default=None,
        validate=Length(max=120),
        metadata={"description": "`next_cursor` of the last page"},
    )
    limit = Integer(load_default=DEFAULT_PAGE, validate=Range(1, MAX_PAGE))


class SectionProduct(Schema):
    id = UUID(metadata={"example": str(a_uuid())})
    title = String(metadata={"example": "徐闻良姜片"})
    brief = String(metadata={"example": "火山红土，姜香浓郁"})
    price_fen = Integer(metadata={"example": 5600})
    list_price_fen = Integer(metadata={"example": 6800})
    unit = String(metadata={"example": "袋"})
    image_url = String(allow_none=True)
    delivery_modes = List(String(), metadata={"example": ["ship"]})
    supplier_id = UUID()
    supplier_name = String(metadata={"example": "徐闻县良姜农业合作社"})


class SectionProducts(Schema):
    items = Items(SectionProduct)
    next_cursor = String(allow_none=True, metadata={"example": "MTAwMDAwMHwwfDAx"})


class PavilionSupplierReply(Schema):
    id = UUID(metadata={"example": str(a_uuid())})
    name = String(metadata={"example": "徐闻县良姜农业合作社"})
    story = String(metadata={"example": "火山红土上种了三代人的良姜。"})
    cover_url = String(allow_none=True)
    origin_region_code = String(allow_none=True, metadata={"example": "440825"})
    origin_name = String(allow_none=True, metadata={"example": "广东省湛江市徐闻县"})
    assistance_region_code = String(metadata={"example": "440825"})
    assistance_region_name = String(metadata={"example": "广东省湛江市徐闻县"})
    valid_until = String(allow_none=True, metadata={"example": "2029-12-31"})
    product_count = Integer(metadata={"example": 12})
    sold_count = Integer(metadata={"description": "Units sold", "example": 345})
    dispatches_from = String(allow_none=True, metadata={"example": "广东省湛江市徐闻县"})


class Origin(Schema):
    region_code = String(allow_none=True, metadata={"example": "440825"})
    region_name = String(allow_none=True, metadata={"example": "广东省湛江市徐闻县"})
    product_count = Integer(metadata={"example": 30})
    sold_count = Integer(metadata={"example": 800})
    suppliers = List(Nested(PavilionSupplierReply))


class OriginList(Schema):
    items = Items(Origin)
