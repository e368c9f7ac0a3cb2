"""Set, adjust, reserve and consume stock; the only writer of quantities."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from catalog.products.service import figures
from catalog.stock import rules, statements
from catalog.stock.models import StockLevel, StockMovement
from mall.kernel.errors import Invalid
from mall.kernel.ids import new_id
from mall.kernel.together import DeferredWrite, WriteFragment, array, document
from mall.kernel.uow import UnitOfWork


def set_on_hand(uow: UnitOfWork, sku_id: UUID, on_hand: int, cause: str, reference: str) -> None:
    """Set how many are there, as a movement of the difference.

    Raises StockTooLow below what open orders have reserved. Setting the same again moves nothing.
    """
    level = _lock(uow, sku_id)
    _set(uow, level, on_hand, cause, reference, "on_hand")


def stocking(quantities: Mapping[UUID, int], reference: str, at: datetime) -> DeferredWrite:
    """Return the write that stocks SKUs which are as new as the transaction.

    Raises Invalid out of bounds.
    """
    for count in quantities.values():
        _check(count, "stock")
    levels = [
        {"sku_id": sku_id, "on_hand": count, "reserved": 0} for sku_id, count in quantities.items()
    ]
    moved = [
        {
            "id": new_id(),
            "sku_id": sku_id,
            "quantity": count,
            "cause": "import",
            "reference": reference,
            "moved_at": at,
        }
        for sku_id, count in quantities.items()
        if count
    ]
    values = {"stock_levels": document(levels), "stock_movements": document(moved)}
    return DeferredWrite(statements.FIRST, values)


def adjust(uow: UnitOfWork, sku_id: UUID, change: int, cause: str, reason: str) -> None:
    """Add units, or take them away, with a cause and a reason.

    Raises StockTooLow below what open orders have reserved, and Invalid out of bounds.
    """
    level = _lock(uow, sku_id)
    _set(uow, level, level.on_hand + change, cause, reason, "change")


def take_free(uow: UnitOfWork, sku_id: UUID, quantity: int, cause: str, reference: str) -> None:
    """Take units that no order has reserved; raises OutOfStock where there are too few."""
    level = _lock(uow, sku_id)
    if level.on_hand - level.reserved < quantity:
        raise rules.OutOfStock("quantity")
    _set(uow, level, level.on_hand - quantity, cause, reference, "quantity")


def _lock(uow: UnitOfWork, sku_id: UUID) -> StockLevel:
    uow.session.execute(
        insert(StockLevel).values(sku_id=sku_id, on_hand=0, reserved=0).on_conflict_do_nothing()
    )
    return uow.session.scalars(
        select(StockLevel)
        .where(StockLevel.sku_id == sku_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()


def _check(on_hand: int, field: str) -> None:
    if not 0 <= on_hand <= rules.MAX_ON_HAND:
        raise Invalid(field, "stock_out_of_bounds")


def _set(uow: UnitOfWork, level: StockLevel, on_hand: int, cause: str, *about: str) -> None:
    reference, field = about
    _check(on_hand, field)
    if on_hand < level.reserved:
        raise rules.StockTooLow(field, reserved=level.reserved)
    difference = on_hand - level.on_hand
    if difference == 0:
        return
    level.on_hand = on_hand
    uow.session.add(
        StockMovement(
            id=new_id(),
            sku_id=level.sku_id,
            quantity=difference,
            cause=cause,
            reference=reference,
            moved_at=uow.now,
        )
    )
    uow.session.flush()


def _moving(
    fragment: WriteFragment, order_id: UUID, quantities: Mapping[UUID, int], at: datetime
) -> DeferredWrite:
    sku_ids = sorted(quantities)
    values = {
        "stock_sku_ids": array(sku_ids),
        "stock_quantities": array([quantities[sku_id] for sku_id in sku_ids]),
        "stock_movement_ids": array([new_id() for _ in sku_ids]),
        "stock_order_id": str(order_id),
        "stock_at": at,
    }
    return DeferredWrite(fragment, values, rules.OutOfStock("lines"))


def selling(order_id: UUID, quantities: Mapping[UUID, int], at: datetime) -> DeferredWrite:
    """Return the write that takes units for an order that is paid as it is placed.

    Writing it raises OutOfStock and keeps nothing where units are short. It locks the stock rows
    in SKU order; defer it last.
    """
    return _moving(statements.SELL, order_id, quantities, at)


def reserving(order_id: UUID, quantities: Mapping[UUID, int], at: datetime) -> DeferredWrite:
    """Return the write that promises units to an order that waits for payment.

    It refuses and locks as that of `selling` does.
    """
    return _moving(statements.RESERVE, order_id, quantities, at)


def taking_back(order_id: UUID, quantities: Mapping[UUID, int], at: datetime) -> DeferredWrite:
    """Return the write that puts back what a cancelled order took, before anything left."""
    return _moving(statements.BACK, order_id, quantities, at)


def _end(uow: UnitOfWork, order_id: UUID, state: str) -> dict[UUID, int]:
    rows = uow.session.execute(
        statements.END_RESERVATION, {"order_id": order_id, "state": state}
    ).all()
    return {row.sku_id: row.quantity for row in rows}


def count_availability(uow: UnitOfWork) -> int:
    """Note of which products anything is left; return of how many that changed."""
    changed = uow.session.execute(statements.AVAILABILITY_CHANGED).all()
    figures.note_available(uow, {row.product_id: row.is_available for row in changed})
    return len(changed)


def count_sales(uow: UnitOfWork) -> int:
    """Note how many of each product were sold; return of how many that changed."""
    changed = uow.session.execute(statements.SALES_CHANGED).all()
    figures.note_sold(uow, {row.product_id: row.sold for row in changed})
    return len(changed)


def consuming(uow: UnitOfWork, order_id: UUID) -> list[DeferredWrite]:
    """End an order's reservation now, and return the write that turns it into a sale.

    Of an order that has none it returns nothing.
    """
    held = _end(uow, order_id, "consumed")
    return [_moving(statements.CONSUME, order_id, held, uow.now)] if held else []


def releasing(uow: UnitOfWork, order_id: UUID) -> list[DeferredWrite]:
    """End an order's reservation now, and return the write that gives it back, if it has one."""
    held = _end(uow, order_id, "released")
    return [_moving(statements.RELEASE, order_id, held, uow.now)] if held else []
