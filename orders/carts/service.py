"""Put things into the cart, change them, take them out."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from catalog.stock import queries as stock_queries
from mall.kernel.db import check_limit
from mall.kernel.errors import Invalid, NotFound
from mall.kernel.uow import UnitOfWork
from orders.carts import rules
from orders.carts.models import CartLine


def read_cart(session: Session, member_id: UUID) -> list[dict[str, Any]]:
    """Return a member's cart lines, oldest first, each with what changed since it was added."""
    lines = session.scalars(
        select(CartLine)
        .where(CartLine.member_id == member_id)
        .order_by(CartLine.added_at, CartLine.sku_id)
    ).all()
    offers = stock_queries.offers(session, [line.sku_id for line in lines])
    found = []
    for line in lines:
        offer = offers.get(line.sku_id)
        found.append(
            {
                "sku_id": line.sku_id,
                "quantity": line.quantity,
                "delivery_mode": line.delivery_mode,
                "seen_price_fen": line.seen_price_fen,
                "product_id": offer.product_id if offer else None,
                "title": offer.title if offer else None,
                "options": list(offer.options) if offer else [],
                "image_url": offer.image_url if offer else None,
                "price_fen": offer.price_fen if offer else None,
                "available": max(0, offer.available) if offer else 0,
                "changes": rules.changes(offer, line.quantity, line.seen_price_fen),
            }
        )
    return found


def put_line(
    uow: UnitOfWork, member_id: UUID, sku_id: UUID, quantity: int, delivery_mode: str | None
) -> None:
    """Set how many of a SKU the cart holds, at the price of now.

    Raises NotFound for what is not for sale, Invalid for a quantity or mode the SKU does not
    allow, LimitReached beyond 100 lines.
    """
    offer = stock_queries.offers(uow.session, [sku_id]).get(sku_id)
    if offer is None or not offer.is_for_sale:
        raise NotFound("product", field="sku_id")
    if not 1 <= quantity <= offer.max_per_order:
        raise Invalid("quantity", "cart_quantity_wrong", most=offer.max_per_order)
    if delivery_mode is not None and delivery_mode not in offer.delivery_modes:
        raise Invalid("delivery_mode", "delivery_mode_not_offered")
    count = select(func.count()).select_from(CartLine)
    others = count.where(CartLine.member_id == member_id, CartLine.sku_id != sku_id)
    check_limit(uow.session, ("cart_line", member_id), others, rules.MAX_LINES)
    values = {
        "quantity": quantity,
        "delivery_mode": delivery_mode,
        "seen_price_fen": offer.price_fen,
    }
    uow.session.execute(
        insert(CartLine)
        .values(member_id=member_id, sku_id=sku_id, added_at=uow.now, **values)
        .on_conflict_do_update(index_elements=["member_id", "sku_id"], set_=values)
    )


def remove_lines(uow: UnitOfWork, member_id: UUID, sku_ids: Collection[UUID]) -> None:
    """Take SKUs out of the cart; what is not in it is no error."""
    uow.session.execute(
        delete(CartLine).where(CartLine.member_id == member_id, CartLine.sku_id.in_(sku_ids))
    )


def lines(session: Session, member_id: UUID) -> list[tuple[UUID, int, str | None]]:
    """Return SKU, quantity and delivery mode of every cart line."""
    rows = session.scalars(select(CartLine).where(CartLine.member_id == member_id))
    return [(row.sku_id, row.quantity, row.delivery_mode) for row in rows]
