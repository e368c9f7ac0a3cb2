"""Products on the wire."""

from apiflask.fields import UUID, Boolean, DateTime, Dict, Integer, List, Nested, Raw, String
from apiflask.validators import Length, OneOf, Range, Regexp

from catalog.onboarding.schemas import DecisionBody
from catalog.products import rules
from mall.kernel.money import MAX_FEN
from mall.kernel.text import canonical
from mall.web.fields import (
    Items,
    Moment,
    PageQuery,
    Schema,
    Text,
    a_uuid,
    code_text,
    long_text,
    plain_text,
    region_code,
    short_text,
    stored_image,
)


class Pair(Schema):
    name = short_text(50, required=True, metadata={"example": "规格"})
    value = Text(Length(1, 1000), canonical.lines, required=True, metadata={"example": "5 斤装"})


class Option(Pair):
    # It stands in one line of a cart, a label or a cell.
    value = short_text(1000, required=True, metadata={"example": "5 斤装"})


class SkuBody(Schema):
    code = code_text(64, required=True, metadata={"example": "LJ-5"})
    options = List(Nested(Option), load_default=list, validate=Length(max=rules.MAX_OPTIONS))
    list_price_fen = Integer(required=True, strict=True, validate=Range(1, MAX_FEN))
    price_fen = Integer(required=True, strict=True, validate=Range(1, MAX_FEN))
    weight_grams = Integer(load_default=500, strict=True, validate=Range(1, 1_000_000))
    min_per_order = Integer(load_default=1, strict=True, validate=Range(1, rules.MAX_QUANTITY))
    max_per_order = Integer(
        load_default=rules.MAX_QUANTITY, strict=True, validate=Range(1, rules.MAX_QUANTITY)
    )
    barcode = code_text(
        32,
        Regexp(r"^[0-9A-Za-z-]{4,32}$"),
        load_default=None,
        allow_none=True,
        metadata={"example": "6901234567892"},
    )
    purchase_price_fen = Integer(
        load_default=None,
        allow_none=True,
        strict=True,
        validate=Range(1, MAX_FEN),
        metadata={"description": "For collective purchases of unions only", "example": 5200},
    )
    member_limit = Integer(
        load_default=None,
        allow_none=True,
        strict=True,
        validate=Range(1, rules.MAX_QUANTITY),
        metadata={"description": "Units one member may order within `member_limit_days`"},
    )
    member_limit_days = Integer(
        load_default=None,
        allow_none=True,
        strict=True,
        validate=Range(1, 366),
        metadata={"example": 30},
    )
    low_stock_at = Integer(
        load_default=0,
        strict=True,
        validate=Range(0, 1_000_000),
        metadata={"description": "Listed as low at or below; 0: only when sold out"},
    )


class ProductBody(Schema):
    title = short_text(100, required=True, metadata={"example": "徐闻良姜片"})
    category_id = UUID(required=True)
    brief = plain_text(
        200,
        load_default="",
    )
    description = long_text(20_000, load_default="")
    brand = plain_text(50, load_default=None, allow_none=True)
    unit = short_text(10, load_default=rules.UNIT)
    keywords = List(short_text(30), load_default=list, validate=Length(max=20))
    attributes = List(Nested(Pair), load_default=list, validate=Length(max=50))
    image_urls = List(
        stored_image(),
        load_default=list,
        validate=Length(max=rules.MAX_IMAGES),
        metadata={"description": "From POST /v1/supplier/images"},
    )
    delivery_modes = List(
        String(validate=OneOf(rules.DELIVERY_MODES)),
        load_default=lambda: [rules.SHIP],
        validate=Length(1, 3),
    )
    shipping_template_id = UUID(load_default=None, allow_none=True)
    origin_region_code = region_code(
        load_default=None,
        allow_none=True,
        metadata={"description": "Left out, the supplier's", "example": "440825"},
    )
    is_pavilion = Boolean(
        load_default=False,
        metadata={"description": "Sold only while the assistance qualification holds"},
    )
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
    barcode = String(allow_none=True)
    purchase_price_fen = Integer(allow_none=True)
    member_limit = Integer(allow_none=True)
    member_limit_days = Integer(allow_none=True)
    low_stock_at = Integer()


class ReasonItem(Schema):
    field = String(metadata={"example": "title"})
    text = String(metadata={"example": "标题含有极限用语"})


class LastReview(Schema):
    id = UUID(metadata={"example": str(a_uuid())})
    number = Integer(metadata={"example": 2})
    state = String(metadata={"example": "in_review"})
    submitted_at = DateTime()
    reviewed_at = DateTime(allow_none=True)
    reasons = List(Nested(ReasonItem))


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
    published_at = DateTime(allow_none=True)
    publish_at = DateTime(allow_none=True)
    unpublish_at = DateTime(allow_none=True)
    origin_region_code = String(allow_none=True)
    is_pavilion = Boolean()
    tags = List(String(), metadata={"example": ["端午"]})
    withheld_for = String(
        allow_none=True, metadata={"description": "The qualification it lacks", "example": None}
    )
    skus = List(Nested(SkuReply))
    last_review = Nested(
        LastReview,
        allow_none=True,
        metadata={"description": "What was handed in last; while `in_review`, it is not live yet"},
    )


class OwnProductPage(Schema):
    items = Items(OwnProductReply(exclude=("skus", "description", "last_review")))
    next_cursor = UUID(allow_none=True)


class CategoryNode(Schema):
    id = UUID(metadata={"example": str(a_uuid())})
    name = String(metadata={"example": "粮油副食"})
    children = List(Dict(metadata={"description": "Nodes of the same shape"}))


class CategoryTree(Schema):
    items = Items(CategoryNode)


class CategoryBody(Schema):
    path = List(
        short_text(30), required=True, validate=Length(1, 3), metadata={"example": ["饮食", "海味"]}
    )


class CategoryReply(Schema):
    id = UUID()


class CategoryChange(Schema):
    name = short_text(30, required=True, metadata={"example": "海味"})
    needs_food_licence = Boolean(
        required=True,
        metadata={"description": "What is in it is sold only under a valid food licence"},
    )


class OwnProductsQuery(PageQuery):
    state = String(load_default=None, validate=OneOf(rules.STATES.states))


class ScheduleBody(Schema):
    publish_at = Moment(load_default=None, allow_none=True)
    unpublish_at = Moment(load_default=None, allow_none=True)


class PriceItem(Schema):
    list_price_fen = Integer(metadata={"example": 6800})
    price_fen = Integer(metadata={"example": 5600})
    purchase_price_fen = Integer(allow_none=True, metadata={"example": 5200})
    changed_at = DateTime()


class PriceList(Schema):
    items = Items(PriceItem)


class ProductIds(Schema):
    product_ids = List(UUID(), required=True, validate=Length(1, rules.MAX_AT_ONCE))


class Moved(Schema):
    moved_count = Integer(metadata={"example": 200})


class TagsBody(Schema):
    tags = List(
        short_text(20), required=True, validate=Length(max=20), metadata={"example": ["端午"]}
    )


class ReviewItem(Schema):
    id = UUID(metadata={"example": str(a_uuid())})
    product_id = UUID(metadata={"example": str(a_uuid())})
    number = Integer(metadata={"example": 2})
    state = String(metadata={"example": "in_review"})
    title = String(metadata={"example": "徐闻良姜片"})
    supplier_id = UUID()
    supplier_name = String()
    is_first = Boolean(metadata={"description": "Never approved before"})
    submitted_at = DateTime()


class ReviewPage(Schema):
    items = Items(ReviewItem)
    next_cursor = UUID(allow_none=True)


class ChangeItem(Schema):
    field = String(metadata={"example": "skus.LJ-500.price_fen"})
    before = Raw(allow_none=True, metadata={"example": 5600})
    after = Raw(allow_none=True, metadata={"example": 5900})


class ReviewDetail(Schema):
    id = UUID(metadata={"example": str(a_uuid())})
    product_id = UUID(metadata={"example": str(a_uuid())})
    number = Integer(metadata={"example": 2})
    state = String(metadata={"example": "in_review"})
    submitted_at = DateTime()
    content = Dict(metadata={"description": "All that was handed in", "example": {"title": "…"}})
    changes = List(
        Nested(ChangeItem),
        metadata={
            "description": "Since the last approved version",
            "example": [{"field": "skus.LJ-500.price_fen", "before": 5600, "after": 5900}],
        },
    )
    reasons = List(Nested(ReasonItem))


class RevisionDecisions(DecisionBody):
    revision_ids = List(UUID(), required=True, validate=Length(1, rules.MAX_AT_ONCE))
