"""What a product may look like, and its states."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from mall.kernel.errors import DomainError, Invalid
from mall.kernel.files.names import is_own_image
from mall.kernel.states import Transitions
from mall.kernel.text import canonical, wording

DRAFT, IN_REVIEW, REJECTED = "draft", "in_review", "rejected"
APPROVED, PUBLISHED, UNPUBLISHED = "approved", "published", "unpublished"
STATES = Transitions(
    "product",
    {
        DRAFT: {IN_REVIEW},
        IN_REVIEW: {DRAFT, APPROVED, REJECTED},
        REJECTED: {IN_REVIEW},
        APPROVED: {PUBLISHED},
        PUBLISHED: {UNPUBLISHED},
        UNPUBLISHED: {PUBLISHED},
    },
)
# Of these an approved content exists; a change of it waits for the next approval.
REVIEWED = (APPROVED, PUBLISHED, UNPUBLISHED)
WITHDRAWN = "withdrawn"
REVISION_STATES = Transitions(
    "product_revision",
    {
        IN_REVIEW: {APPROVED, REJECTED, WITHDRAWN},
        APPROVED: set(),
        REJECTED: set(),
        WITHDRAWN: set(),
    },
)
# What is sold by the piece, where a supplier says nothing.
UNIT = wording.name("unit", "piece").zh
SHIP, STORE_PICKUP, UNIT_DELIVERY = "ship", "store_pickup", "unit_delivery"
DELIVERY_MODES = (SHIP, STORE_PICKUP, UNIT_DELIVERY)
NEWEST, PRICE_UP, PRICE_DOWN, SALES_FIRST = "newest", "price_asc", "price_desc", "sales"
MAX_SKUS, MAX_IMAGES, MAX_OPTIONS = 200, 10, 5
MAX_QUANTITY = 9_999
MAX_AT_ONCE = 200
# How a parcel is packed and counted; whatever is shown or promised to members is reviewed.
OPERATIONAL = frozenset({"shipping_template_id", "delivery_modes"})
OPERATIONAL_OF_SKU = frozenset(
    {"barcode", "weight_grams", "min_per_order", "max_per_order", "member_limit"}
    | {"member_limit_days", "low_stock_at"}
)


@dataclass(frozen=True)
class SkuForm:
    """One buyable combination of options."""

    code: str
    options: tuple[tuple[str, str], ...]
    list_price_fen: int
    price_fen: int
    weight_grams: int = 500
    min_per_order: int = 1
    max_per_order: int = MAX_QUANTITY
    barcode: str | None = None
    purchase_price_fen: int | None = None  # for unions only
    member_limit: int | None = None  # units one member may order within member_limit_days
    member_limit_days: int | None = None
    low_stock_at: int = 0
    stock: int | None = None  # only for a new SKU; later changes go through stock movements


@dataclass(frozen=True)
class ProductForm:
    """What a supplier fills in for a product."""

    title: str
    category_id: UUID
    brief: str = ""
    description: str = ""
    brand: str | None = None
    unit: str = UNIT
    keywords: tuple[str, ...] = ()
    attributes: tuple[tuple[str, str], ...] = ()
    image_urls: tuple[str, ...] = ()
    delivery_modes: tuple[str, ...] = (SHIP,)
    shipping_template_id: UUID | None = None
    origin_region_code: str | None = None
    is_pavilion: bool = False
    source_id: str | None = None
    skus: tuple[SkuForm, ...] = field(default=())


@dataclass(frozen=True)
class Change:
    """A field that differs between two contents of a product."""

    field: str
    before: Any
    after: Any


class SkuCodeTaken(DomainError):
    code = "sku_code_taken"


def check(form: ProductForm) -> None:
    """Raise Invalid where the parts of a product contradict each other."""
    if not 1 <= len(form.skus) <= MAX_SKUS:
        raise Invalid("skus", "sku_count_wrong")
    if not all(map(is_own_image, form.image_urls)):
        raise Invalid("image_urls", "image_not_ours")
    codes = [sku.code for sku in form.skus]
    if len(set(codes)) != len(codes):
        raise Invalid("skus", "sku_code_repeated")
    combinations = [sku.options for sku in form.skus]
    if len(set(combinations)) != len(combinations):
        raise Invalid("skus", "sku_options_repeated")
    for index, sku in enumerate(form.skus):
        if sku.price_fen > sku.list_price_fen:
            raise Invalid(f"skus.{index}.price_fen", "price_above_list")
        if sku.min_per_order > sku.max_per_order:
            raise Invalid(f"skus.{index}.min_per_order", "minimum_above_maximum")
        if (sku.member_limit is None) != (sku.member_limit_days is None):
            raise Invalid(f"skus.{index}.member_limit", "member_limit_incomplete")


def content_of(form: ProductForm) -> dict[str, Any]:
    """Return a form as it is stored with a revision; what a SKU has in stock is no content."""
    skus = []
    for sku in form.skus:
        columns = {name: value for name, value in vars(sku).items() if name != "stock"}
        skus.append({**columns, "options": [list(pair) for pair in sku.options]})
    columns = {name: value for name, value in vars(form).items() if name != "source_id"}
    return {
        **columns,
        "category_id": str(form.category_id),
        "shipping_template_id": form.shipping_template_id and str(form.shipping_template_id),
        "keywords": list(form.keywords),
        "attributes": [list(pair) for pair in form.attributes],
        "image_urls": list(form.image_urls),
        "delivery_modes": list(form.delivery_modes),
        "skus": skus,
    }


def form_of(content: Mapping[str, Any]) -> ProductForm:
    """Return the form that a stored content was made of."""
    template = content["shipping_template_id"]
    skus = (
        SkuForm(**{**sku, "options": tuple((name, value) for name, value in sku["options"])})
        for sku in content["skus"]
    )
    return ProductForm(
        **{
            **content,
            "category_id": UUID(content["category_id"]),
            "shipping_template_id": UUID(template) if template else None,
            "keywords": tuple(content["keywords"]),
            "attributes": tuple((name, value) for name, value in content["attributes"]),
            "image_urls": tuple(content["image_urls"]),
            "delivery_modes": tuple(content["delivery_modes"]),
            "skus": tuple(skus),
        }
    )


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """Return what changed from one content to another; SKUs are matched by their code."""
    changes = [
        Change(name, before.get(name), after[name])
        for name in after
        if name != "skus" and before.get(name) != after[name]
    ]
    old = {sku["code"]: sku for sku in before.get("skus", [])}
    new = {sku["code"]: sku for sku in after["skus"]}
    for code in [*new, *(code for code in old if code not in new)]:
        if code not in old or code not in new:
            changes.append(Change(f"skus.{code}", old.get(code), new.get(code)))
            continue
        changes += [
            Change(f"skus.{code}.{name}", old[code].get(name), value)
            for name, value in new[code].items()
            if old[code].get(name) != value
        ]
    if not changes and list(old) != list(new):
        changes.append(Change("skus", list(old), list(new)))
    return changes


def is_operational(change: Change) -> bool:
    """Tell whether a change of a reviewed product may act at once."""
    return change.field in OPERATIONAL or (
        change.field.startswith("skus.") and change.field.rpartition(".")[2] in OPERATIONAL_OF_SKU
    )


def search_text(form: ProductForm) -> str:
    """Return what the plain name search looks through: lower case, half width."""
    parts = [form.title, form.brand or "", form.brief, *form.keywords]
    return canonical.code(" ".join(parts)).casefold()
