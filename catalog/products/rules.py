"""What a product may look like, and its states."""

import unicodedata
from dataclasses import dataclass, field
from uuid import UUID

from mall.kernel.errors import DomainError, Invalid
from mall.kernel.states import Transitions

DRAFT, PUBLISHED, UNPUBLISHED = "draft", "published", "unpublished"
STATES = Transitions({DRAFT: {PUBLISHED}, PUBLISHED: {UNPUBLISHED}, UNPUBLISHED: {PUBLISHED}})
SHIP, STORE_PICKUP, UNIT_DELIVERY = "ship", "store_pickup", "unit_delivery"
DELIVERY_MODES = (SHIP, STORE_PICKUP, UNIT_DELIVERY)
MAX_SKUS, MAX_IMAGES, MAX_OPTIONS = 200, 10, 5
MAX_QUANTITY = 9_999


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
    stock: int | None = None  # only for a new SKU; later changes go through stock movements


@dataclass(frozen=True)
class ProductForm:
    """What a supplier fills in for a product."""

    title: str
    category_id: UUID
    brief: str = ""
    description: str = ""
    brand: str | None = None
    unit: str = "件"
    keywords: tuple[str, ...] = ()
    attributes: tuple[tuple[str, str], ...] = ()
    image_urls: tuple[str, ...] = ()
    delivery_modes: tuple[str, ...] = (SHIP,)
    shipping_template_id: UUID | None = None
    source_id: str | None = None
    skus: tuple[SkuForm, ...] = field(default=())


class VersionConflict(DomainError):
    code = "version_conflict"
    status = 412
    zh = "该商品已被他人修改，请重新读取后再保存。"
    en = "The product has changed since you read it; read it again before saving."


def check(form: ProductForm) -> None:
    """Raise Invalid where the parts of a product contradict each other."""
    if not 1 <= len(form.skus) <= MAX_SKUS:
        raise Invalid("skus", "规格须为 1 至 200 个。", "A product has 1 to 200 SKUs.")
    codes = [sku.code for sku in form.skus]
    if len(set(codes)) != len(codes):
        raise Invalid("skus", "SKU 编码重复。", "Two SKUs have the same code.")
    combinations = [sku.options for sku in form.skus]
    if len(set(combinations)) != len(combinations):
        raise Invalid("skus", "规格组合重复。", "Two SKUs have the same options.")
    for index, sku in enumerate(form.skus):
        if sku.price_fen > sku.list_price_fen:
            raise Invalid(
                f"skus.{index}.price_fen",
                "会员价不能高于原价。",
                "The member price may not exceed the list price.",
            )
        if sku.min_per_order > sku.max_per_order:
            raise Invalid(
                f"skus.{index}.min_per_order",
                "起订量不能大于限购量。",
                "The minimum per order may not exceed the maximum.",
            )


def search_text(form: ProductForm) -> str:
    """Return what the plain name search looks through: lower case, half width."""
    parts = [form.title, form.brand or "", form.brief, *form.keywords]
    return unicodedata.normalize("NFKC", " ".join(parts)).casefold()
