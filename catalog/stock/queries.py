"""Read availability; and the invariants of stock."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalog.stock import statements
from catalog.stock.models import StockLevel
from catalog.stock.rules import Offer
from catalog.suppliers.rules import ShippingTemplate, rules_from
from mall.kernel.audit import Invariant


def offers(session: Session, sku_ids: Collection[UUID]) -> dict[UUID, Offer]:
    """Return what is known of these SKUs; unknown ones are left out."""
    rows = session.execute(statements.OFFERS, {"sku_ids": list(sku_ids)}).all()
    found = {}
    for row in rows:
        template = None
        if row.shipping_template_id is not None:
            template = ShippingTemplate(
                row.shipping_template_id,
                row.supplier_id,
                row.template_name,
                row.charge_by,
                row.free_over_fen,
                rules_from(row.rules),
            )
        found[row.sku_id] = Offer(
            sku_id=row.sku_id,
            product_id=row.product_id,
            supplier_id=row.supplier_id,
            supplier_name=row.supplier_name,
            title=row.title,
            options=tuple(row.options),
            image_url=row.image_urls[0] if row.image_urls else None,
            price_fen=row.price_fen,
            list_price_fen=row.list_price_fen,
            weight_grams=row.weight_grams,
            min_per_order=row.min_per_order,
            max_per_order=row.max_per_order,
            delivery_modes=tuple(row.delivery_modes),
            template=template,
            available=row.available,
            is_for_sale=row.is_active
            and row.product_state == "published"
            and row.supplier_state == "active",
        )
    return found


def available(session: Session, sku_ids: Collection[UUID]) -> dict[UUID, int]:
    """Return how many of each SKU can still be ordered; a SKU never stocked has none."""
    rows = session.execute(
        select(StockLevel.sku_id, StockLevel.on_hand - StockLevel.reserved).where(
            StockLevel.sku_id.in_(sku_ids)
        )
    )
    known = {row[0]: int(row[1]) for row in rows}
    return {sku_id: known.get(sku_id, 0) for sku_id in sku_ids}


def levels(session: Session, sku_ids: Collection[UUID]) -> dict[UUID, tuple[int, int]]:
    """Return on hand and reserved of each SKU that was ever stocked."""
    rows = session.scalars(select(StockLevel).where(StockLevel.sku_id.in_(sku_ids)))
    return {row.sku_id: (row.on_hand, row.reserved) for row in rows}


INVARIANTS = [
    Invariant(
        "stock_reserved",
        "what a SKU has reserved is the sum of its held reservations",
        """
        SELECT s.sku_id, s.reserved, coalesce(sum(r.quantity), 0)
        FROM stock_level s LEFT JOIN reservation r ON r.sku_id = s.sku_id AND r.state = 'held'
        GROUP BY s.sku_id HAVING s.reserved <> coalesce(sum(r.quantity), 0)
        """,
    ),
    Invariant(
        "stock_on_hand",
        "what is on hand is the sum of its movements and never less than reserved",
        """
        SELECT s.sku_id, s.on_hand, coalesce(sum(m.quantity), 0)
        FROM stock_level s LEFT JOIN stock_movement m ON m.sku_id = s.sku_id
        GROUP BY s.sku_id
        HAVING s.on_hand <> coalesce(sum(m.quantity), 0) OR s.reserved > s.on_hand
        """,
    ),
]
