"""What is offered of a SKU at this instant, and why it may not be."""

from dataclasses import dataclass
from uuid import UUID

from catalog.suppliers.rules import ShippingTemplate
from mall.kernel.errors import DomainError

MAX_ON_HAND = 10_000_000
# Why stock may move by hand; sales and imports name their own causes.
RECEIVED, DAMAGED, RETURNED, STOCKTAKE = "received", "damaged", "returned", "stocktake"
ADJUSTMENTS = (RECEIVED, DAMAGED, RETURNED, STOCKTAKE)


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
    origin_region_code: str | None = None
    assistance_region_code: str | None = None
    # The assistance qualification that its supplier holds today.
    assistance_id: UUID | None = None
    # What the mall keeps of a sale of today, in ten-thousandths.
    commission_bps: int = 0
    member_limit: int | None = None
    member_limit_days: int | None = None
    # What unions pay (工会采购价); members never see it.
    purchase_price_fen: int | None = None

    @property
    def union_price_fen(self) -> int:
        """Return what a union pays for one: the supplier's purchase price, else the member price."""
        return self.price_fen if self.purchase_price_fen is None else self.purchase_price_fen


class OutOfStock(DomainError):
    code = "out_of_stock"


@dataclass(frozen=True)
class LowStock:
    """A SKU of which little is left."""

    sku_id: UUID
    product_id: UUID
    title: str
    code: str
    available: int
    low_stock_at: int


class StockTooLow(DomainError):
    code = "stock_below_reserved"
