"""What is offered of a SKU at this instant, and why it may not be."""

from dataclasses import dataclass
from uuid import UUID

from catalog.suppliers.rules import ShippingTemplate
from mall.kernel.errors import DomainError

MAX_ON_HAND = 10_000_000


@dataclass(frozen=True)
class Offer:
    """A SKU with all that checkout must know of it."""

    sku_id: UUID
    product_id: UUID
    supplier_id: UUID
    supplier_name: str
    title: str
    options: tuple[dict[str, str], ...]
    image_url: str | None
    price_fen: int
    list_price_fen: int
    weight_grams: int
    min_per_order: int
    max_per_order: int
    delivery_modes: tuple[str, ...]
    template: ShippingTemplate | None
    available: int
    is_for_sale: bool


class OutOfStock(DomainError):
    code = "out_of_stock"
    zh = "库存不足，已售罄或所剩不多。"
    en = "Sold out, or not enough left."


class StockTooLow(DomainError):
    code = "stock_below_reserved"
    zh = "调整后的库存不能低于已被订单占用的数量（{reserved}）。"
    en = "Stock cannot go below what open orders have reserved ({reserved})."
