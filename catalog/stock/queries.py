"""Read availability; and the invariants of stock."""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from catalog.products.models import Product, ProductFigure, Sku
from catalog.stock import statements
from catalog.stock.models import StockLevel, StockMovement
from catalog.stock.rules import LowStock, Offer
from catalog.suppliers.rules import ShippingTemplate, rules_from
from mall.kernel.clock import beijing_day, now
from mall.kernel.db import AutocommitPool, driver_sql
from mall.kernel.errors import NotFound
from mall.kernel.invariants import Invariant
from mall.kernel.rows.shown import each_shown
from mall.kernel.together import Read, Rows, array, read_together


def _template(row: Mapping[str, Any]) -> ShippingTemplate | None:
    if row["shipping_template_id"] is None:
        return None
    return ShippingTemplate(
        UUID(row["shipping_template_id"]),
        UUID(row["supplier_id"]),
        row["template_name"],
        row["charge_by"],
        row["free_over_fen"],
        rules_from(row["rules"]),
    )


def _offer(row: Mapping[str, Any]) -> Offer:
    return Offer(
        sku_id=UUID(row["sku_id"]),
        product_id=UUID(row["product_id"]),
        supplier_id=UUID(row["supplier_id"]),
        supplier_name=row["supplier_name"],
        title=row["title"],
        options=tuple(row["options"]),
        image_url=row["image_url"],
        price_fen=row["price_fen"],
        list_price_fen=row["list_price_fen"],
        purchase_price_fen=row["purchase_price_fen"],
        weight_grams=row["weight_grams"],
        min_per_order=row["min_per_order"],
        max_per_order=row["max_per_order"],
        delivery_modes=tuple(row["delivery_modes"]),
        template=_template(row),
        available=row["available"],
        is_for_sale=row["is_active"]
        and row["product_state"] == "published"
        and row["withheld_for"] is None
        and row["supplier_state"] == "active",
        origin_region_code=row["origin_region_code"],
        assistance_region_code=row["assistance_region_code"],
        assistance_id=UUID(row["assistance_id"]) if row["assistance_id"] else None,
        commission_bps=row["commission_bps"],
        member_limit=row["member_limit"],
        member_limit_days=row["member_limit_days"],
    )


def offers_of_product(session: Session, product_id: UUID) -> list[Offer]:
    """Return what is known of the SKUs of a product on sale; raises NotFound."""
    ids = session.scalars(select(Sku.id).where(Sku.product_id == product_id, Sku.is_active)).all()
    found = [each for each in offers(session, ids).values() if each.is_for_sale] if ids else []
    if not found:
        raise NotFound("product")
    return sorted(found, key=lambda each: (each.price_fen, each.sku_id))


def reading_offers(sku_ids: Collection[UUID]) -> Read:
    """Return the read of what is known of these SKUs; unknown ones are left out."""

    def build(rows: Rows) -> dict[UUID, Offer]:
        # What cannot be read is not offered; the rest of a cart or a list of packs is.
        offers = each_shown(_offer, rows)
        return {offer.sku_id: offer for offer in offers}

    return Read(
        statements.OFFERS,
        {"offer_sku_ids": array(list(sku_ids)), "offer_on": beijing_day(now())},
        build,
    )


def offers(session: Session, sku_ids: Collection[UUID]) -> dict[UUID, Offer]:
    """Return what is known of these SKUs; unknown ones are left out."""
    found: dict[UUID, Offer] = read_together(session, reading_offers(sku_ids))[0]
    return found


def product_detail(direct: AutocommitPool, product_id: UUID) -> bytes:
    """Return a product on sale with its SKUs and what is left of them, as JSON; raise NotFound."""
    row = direct.read(driver_sql(statements.DETAIL), {"product_id": product_id})
    if row is None:
        raise NotFound("product")
    return str(row[0]).encode()


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


def movements(
    session: Session, sku_id: UUID, cursor: UUID | None, limit: int
) -> list[StockMovement]:
    """Return the movements of a SKU, newest first, one more than `limit` if there are more."""
    query = select(StockMovement).where(StockMovement.sku_id == sku_id)
    if cursor is not None:
        query = query.where(StockMovement.id < cursor)
    return list(session.scalars(query.order_by(StockMovement.id.desc()).limit(limit + 1)))


def low_stock(
    session: Session, supplier_id: UUID, cursor: UUID | None, limit: int
) -> list[LowStock]:
    """Return a supplier's published SKUs of which no more than their mark is left, by SKU."""
    left = func.coalesce(StockLevel.on_hand - StockLevel.reserved, 0)
    query = (
        select(Sku.id, Product.id, Product.title, Sku.code, left, Sku.low_stock_at)
        .join(Product, Product.id == Sku.product_id)
        .outerjoin(StockLevel, StockLevel.sku_id == Sku.id)
        .where(
            Product.supplier_id == supplier_id,
            Product.state == "published",
            Sku.is_active,
            left <= Sku.low_stock_at,
        )
        .order_by(Sku.id)
        .limit(limit + 1)
    )
    if cursor is not None:
        query = query.where(Sku.id > cursor)
    return [LowStock(*row) for row in session.execute(query)]


def figures(session: Session) -> list[tuple[UUID, bool, int]]:
    """Return every product with whether anything is left of it, and how many were sold."""
    rows = session.execute(
        select(ProductFigure.product_id, ProductFigure.is_available, ProductFigure.sold)
    )
    return [(product_id, is_available, sold) for product_id, is_available, sold in rows]


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
