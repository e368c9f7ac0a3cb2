"""The shop window on the wire."""

from apiflask.fields import UUID, Boolean, Dict, Integer, List, Nested, String
from apiflask.validators import Length, OneOf, Range, Regexp

from catalog.products.rules import DELIVERY_MODES
from mall.kernel.money import MAX_FEN
from mall.web.fields import DEFAULT_PAGE, MAX_PAGE, Items, Schema, a_uuid, region_prefix
from search_index.rules import MAX_ATTRIBUTES, MAX_BRANDS, MAX_CHOICE, MAX_QUERY, SORTS


class BrowseQuery(Schema):
    q = String(load_default="", validate=Length(max=MAX_QUERY), metadata={"example": "良姜"})
    category_id = UUID(load_default=None, metadata={"description": "With all below it"})
    supplier_id = UUID(load_default=None)
    delivery_mode = String(load_default=None, validate=OneOf(DELIVERY_MODES))
    min_price_fen = Integer(load_default=None, validate=Range(0, MAX_FEN))
    max_price_fen = Integer(load_default=None, validate=Range(0, MAX_FEN))
    origin = region_prefix(
        load_default=None,
        metadata={"description": "Region code, or how it begins", "example": "4408"},
    )
    is_pavilion = Boolean(load_default=None, metadata={"example": True})
    tag = String(load_default=None, validate=Length(1, 20), metadata={"example": "端午"})
    in_stock = Boolean(load_default=False)
    lot_id = UUID(
        load_default=None,
        metadata={"description": "Only what this lot of one's own beans may pay for"},
    )
    brand = List(
        String(validate=Length(1, MAX_CHOICE)),
        load_default=list,
        validate=Length(max=MAX_BRANDS),
        metadata={"description": "Repeat it for any of several", "example": ["徐闻味道"]},
    )
    attribute = List(
        String(validate=[Length(3, MAX_CHOICE), Regexp(r"[^:]+:.+")]),
        load_default=list,
        validate=Length(max=MAX_ATTRIBUTES),
        metadata={
            "description": "`name:value`; of one name any of its values, of several names all",
            "example": ["颜色:红色"],
        },
    )
    facets = Boolean(load_default=False, metadata={"description": "Count by facet, too"})
    sort = String(
        load_default=None,
        validate=OneOf(SORTS),
        metadata={"description": "Left out: relevance with `q`, else newest"},
    )
    cursor = String(load_default=None, validate=Length(max=320))
    limit = Integer(load_default=DEFAULT_PAGE, validate=Range(1, MAX_PAGE))


class ProductItem(Schema):
    id = UUID(metadata={"example": str(a_uuid())})
    title = String(metadata={"example": "徐闻良姜片"})
    brief = String(metadata={"example": "火山红土，姜香浓郁"})
    price_fen = Integer(metadata={"description": "Lowest member price", "example": 5600})
    list_price_fen = Integer(metadata={"example": 6800})
    unit = String(metadata={"example": "件"})
    image_url = String(allow_none=True)
    delivery_modes = List(String(), metadata={"example": ["ship"]})
    supplier_id = UUID()
    supplier_name = String(metadata={"example": "徐闻县良姜农业合作社"})
    highlights = Dict(
        allow_none=True,
        metadata={
            "description": "Of a search: HTML with what matched in `<em>`",
            "example": {"title": "徐闻<em>良姜</em>片", "brief": "火山红土，姜香浓郁"},
        },
    )


class FacetItem(Schema):
    value = String(metadata={"example": str(a_uuid())})
    name = String(allow_none=True, metadata={"example": "香料药材"})
    count = Integer(metadata={"example": 12})
    is_chosen = Boolean(metadata={"example": False})


class AttributeFacet(Schema):
    name = String(metadata={"example": "颜色"})
    values = List(Nested(FacetItem))


_A_BRAND = {"value": "徐闻味道", "name": None, "count": 12, "is_chosen": False}
_A_COLOUR = {"name": "颜色", "values": [{**_A_BRAND, "value": "红色"}]}


class Facets(Schema):
    """Each counts under all filters but its own; prices lie within both ends of a band."""

    brand = List(Nested(FacetItem), metadata={"example": [_A_BRAND]})
    attributes = List(
        Nested(AttributeFacet), metadata={"description": "Up to five", "example": [_A_COLOUR]}
    )
    category = List(Nested(FacetItem))
    supplier = List(Nested(FacetItem))
    origin = List(Nested(FacetItem))
    delivery_mode = List(Nested(FacetItem))
    pavilion = List(Nested(FacetItem))
    in_stock = List(Nested(FacetItem))
    price = List(Nested(FacetItem))


class ProductPage(Schema):
    items = Items(ProductItem)
    next_cursor = String(allow_none=True)
    total = Integer(allow_none=True, metadata={"description": "Of a search", "example": 12})
    facets = Nested(Facets, allow_none=True)
    did_you_mean = String(
        allow_none=True,
        metadata={"description": "What was probably meant, where it finds more", "example": "良姜"},
    )
    is_corrected = Boolean(
        metadata={"description": "These items answer `did_you_mean`: nothing holds what was typed"}
    )


class SuggestionQuery(Schema):
    q = String(required=True, validate=Length(1, MAX_QUERY), metadata={"example": "liangj"})


class SuggestionList(Schema):
    items = List(String(), metadata={"example": ["良姜", "良姜片"]})


class SkuItem(Schema):
    id = UUID(metadata={"example": str(a_uuid())})
    code = String(metadata={"example": "LJ-5"})
    options = List(Dict())
    price_fen = Integer(metadata={"example": 5600})
    list_price_fen = Integer(metadata={"example": 6800})
    weight_grams = Integer(metadata={"example": 500})
    min_per_order = Integer(metadata={"example": 1})
    max_per_order = Integer(metadata={"example": 9999})
    available = Integer(metadata={"description": "Up to one second old", "example": 120})


class ProductDetail(Schema):
    id = UUID(metadata={"example": str(a_uuid())})
    title = String(metadata={"example": "徐闻良姜片"})
    brief = String()
    description = String()
    brand = String(allow_none=True)
    unit = String()
    category_id = UUID()
    supplier_id = UUID()
    supplier_name = String()
    attributes = List(Dict())
    image_urls = List(String())
    delivery_modes = List(String())
    price_fen = Integer()
    list_price_fen = Integer()
    skus = List(Nested(SkuItem))
