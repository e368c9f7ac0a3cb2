"""Split paid orders among suppliers; deliver, and complete what is wholly delivered."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, update

from fulfillment.dispatch import queries, rules, statements
from fulfillment.dispatch.models import FulfillmentLine, FulfillmentOrder
from fulfillment.messages import FulfillmentOrderDelivered, PickupOpened
from mall.access.rules import SUPPLIER
from mall.kernel.errors import NotFound
from mall.kernel.ids import new_id, new_number
from mall.kernel.rows.shown import each_shown
from mall.kernel.together import DeferredWrite, document, read_together
from mall.kernel.uow import UnitOfWork
from mall.notification.rules import NewNotice
from mall.notification.service import staff_notices
from orders.messages import OrderCancelled, OrderPaid
from orders.order import queries as order_queries
from orders.order import rules as order_rules
from orders.order import service as order_service
from orders.order.queries import PaidLine, PaidOrder


def open_fulfillment_orders(uow: UnitOfWork, messages: Sequence[OrderPaid]) -> None:
    """Split paid orders by supplier and delivery mode; a second message splits nothing."""
    order_ids = [UUID(message.order_id) for message in messages]
    [paid_orders] = read_together(uow.session, order_queries.reading_paid(order_ids))
    order_rows: list[dict[str, Any]] = []
    line_rows: list[dict[str, Any]] = []
    for paid in paid_orders:
        for (supplier_id, mode), lines in rules.split(paid.lines).items():
            order_rows.append(_order_row(uow, paid, supplier_id, mode))
            line_rows.extend(_line_row(order_rows[-1]["id"], line) for line in lines)
    values = {"split_orders": document(order_rows), "split_lines": document(line_rows)}
    uow.defer(DeferredWrite(statements.SPLIT, values))
    for row in order_rows:
        if row["delivery_mode"] == rules.PICKUP:
            uow.emit(PickupOpened(str(row["id"])))


def _order_row(uow: UnitOfWork, paid: PaidOrder, supplier_id: UUID, mode: str) -> dict[str, Any]:
    return {
        "id": new_id(),
        "number": new_number("F", uow.now),
        "order_id": paid.order_id,
        "order_no": paid.order_no,
        "member_id": paid.member_id,
        "supplier_id": supplier_id,
        "delivery_mode": mode,
        "state": rules.OPEN,
        # Who hands out at a counter need not know where a member lives.
        "address": None if mode == rules.PICKUP else paid.address,
        "note": paid.note,
        "created_at": uow.now,
        "dispatch_by": _promise(uow, mode),
    }


def _promise(uow: UnitOfWork, mode: str) -> datetime | None:
    """Return by when what is split now has to leave."""
    if mode == rules.PICKUP:
        return None
    return uow.now + timedelta(seconds=uow.settings.dispatch_within_seconds)


def _line_row(fulfillment_order_id: UUID, line: PaidLine) -> dict[str, Any]:
    return {
        "id": new_id(),
        "fulfillment_order_id": fulfillment_order_id,
        "order_line_id": line.id,
        "sku_id": line.sku_id,
        "title": line.title,
        "options": line.options,
        "quantity": line.quantity,
        "dispatched_quantity": 0,
        "held_quantity": 0,
        "cancelled_quantity": 0,
        "is_replacement": False,
    }


def cancel_fulfillment_orders(uow: UnitOfWork, messages: Sequence[OrderCancelled]) -> None:
    """Cancel what was to be fulfilled of cancelled orders; a second message changes nothing."""
    order_ids = [UUID(message.order_id) for message in messages]
    uow.session.execute(
        update(FulfillmentOrder)
        # Open ones only: the order was cancelled under its lock, before a parcel of it had left.
        .where(FulfillmentOrder.order_id.in_(order_ids), FulfillmentOrder.state == rules.OPEN)
        .values(state=rules.CANCELLED)
        .execution_options(synchronize_session=False)
    )


def remind_overdue(uow: UnitOfWork, limit: int) -> int:
    """Remind suppliers, once, of each overdue fulfillment order; return how many."""
    found = queries.overdue(uow.session, uow.now, limit)
    told = each_shown(_reminder, found)
    for fulfillment_order in found:
        fulfillment_order.reminded_at = uow.now
    staff_notices.notify(uow, told)
    return len(found)


def _reminder(fulfillment_order: FulfillmentOrder) -> NewNotice:
    return NewNotice(
        SUPPLIER,
        fulfillment_order.supplier_id,
        "dispatch_overdue",
        f"overdue:{fulfillment_order.id}",
        f"履约单 {fulfillment_order.number} 已超过承诺发货时间，请尽快发货；会员现在可以直接退款。",
        f"{fulfillment_order.number} should have been dispatched; its member may take the money back now.",
    )


def lock(uow: UnitOfWork, fulfillment_order_id: UUID) -> FulfillmentOrder:
    """Lock a fulfillment order's row until the transaction ends, and return it as it is now."""
    found = uow.session.scalars(
        select(FulfillmentOrder)
        .where(FulfillmentOrder.id == fulfillment_order_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).first()
    if found is None:
        raise NotFound("fulfillment order")
    return found


def lock_with_order(uow: UnitOfWork, fulfillment_order_id: UUID) -> FulfillmentOrder:
    """Lock a fulfillment order's order and then itself, as everybody does."""
    order_service.lock(uow, queries.order_of(uow.session, fulfillment_order_id))
    return lock(uow, fulfillment_order_id)


def deliver(uow: UnitOfWork, fulfillment_order_id: UUID, actor: str) -> FulfillmentOrder:
    """Record that everything arrived; the last fulfillment order completes the order.

    Doing it again changes nothing. Raises WrongState before all of it is dispatched. Locks the
    order first, so that two last fulfillment orders delivered at once complete it.
    """
    found = lock_with_order(uow, fulfillment_order_id)
    order_id = found.order_id
    if found.state == rules.DELIVERED:
        return found
    rules.STATES.check(found.state, rules.DELIVERED)
    found.state = rules.DELIVERED
    found.delivered_at = uow.now
    found.delivered_by = actor
    # Flushed, so that the count below sees this one as delivered.
    uow.session.flush()
    uow.emit(FulfillmentOrderDelivered(str(order_id), str(found.id)))
    # A replacement completes nothing: its order does not wait for it.
    if found.case_id is None and queries.count_undelivered(uow.session, order_id) == 0:
        order_service.complete(uow, order_id, actor)
    return found


def lock_line(uow: UnitOfWork, order_line_id: UUID) -> tuple[FulfillmentOrder, FulfillmentLine]:
    """Lock the fulfillment order that an order's line went to; raises NotSplitYet.

    The order is locked before it, here as everywhere.
    """
    return _lock_line(uow, queries.find_line(uow.session, order_line_id))


def lock_line_of(
    uow: UnitOfWork, order_line_id: UUID, fulfillment_order_id: UUID
) -> tuple[FulfillmentOrder, FulfillmentLine]:
    """Lock an order's line in one of its fulfillment orders, a replacement too; raises NotSplitYet."""
    line = queries.find_line_of(uow.session, order_line_id, fulfillment_order_id)
    return _lock_line(uow, line)


def _lock_line(
    uow: UnitOfWork, line: FulfillmentLine | None
) -> tuple[FulfillmentOrder, FulfillmentLine]:
    if line is None:
        raise rules.NotSplitYet()
    fulfillment_order = lock(uow, line.fulfillment_order_id)
    # It was found before the lock; its counts may have changed since.
    uow.session.refresh(line)
    return fulfillment_order, line


def lines_of_supplier(
    uow: UnitOfWork, fulfillment_order: FulfillmentOrder
) -> list[FulfillmentLine]:
    """Return the lines of all that a fulfillment order's supplier fulfils of an order."""
    fulfillment_orders = queries.of_order(uow.session, fulfillment_order.order_id)
    own = [
        each.id for each in fulfillment_orders if each.supplier_id == fulfillment_order.supplier_id
    ]
    return [line for lines in queries.lines_of(uow.session, own).values() for line in lines]


def cancel_units(
    uow: UnitOfWork, fulfillment_order: FulfillmentOrder, line: FulfillmentLine, quantity: int
) -> None:
    """Cancel held units that never left; the order and the fulfillment order are locked.

    A fulfillment order with nothing left to send becomes dispatched or, if nothing was sent,
    cancelled. The last of an order's fulfillment orders cancels or completes the order.
    """
    line.held_quantity -= quantity
    line.cancelled_quantity += quantity
    uow.session.flush()
    lines = queries.lines_of(uow.session, [fulfillment_order.id])[fulfillment_order.id]
    if not all(each.is_done for each in lines):
        return
    if any(each.dispatched_quantity for each in lines):
        become_dispatched(uow, fulfillment_order)
        return
    rules.STATES.check(fulfillment_order.state, rules.CANCELLED)
    fulfillment_order.state = rules.CANCELLED
    uow.session.flush()
    if fulfillment_order.case_id is not None:
        # What would have replaced goods decides nothing about the order itself.
        return
    fulfillment_orders = queries.of_order(uow.session, fulfillment_order.order_id)
    states = {each.state for each in fulfillment_orders if each.case_id is None}
    if states == {rules.CANCELLED}:
        order_service.cancel_wholly_returned(uow, fulfillment_order.order_id)
    elif states == {rules.CANCELLED, rules.DELIVERED}:
        order_service.complete(uow, fulfillment_order.order_id, order_rules.SYSTEM)


def become_dispatched(uow: UnitOfWork, fulfillment_order: FulfillmentOrder) -> None:
    """Mark a locked fulfillment order dispatched; from now on its member has time to confirm."""
    fulfillment_order.state = rules.DISPATCHED
    fulfillment_order.dispatched_at = uow.now
    # Silence does not accept what goes to a union.
    if fulfillment_order.delivery_mode != rules.UNIT:
        fulfillment_order.confirm_by = uow.now + timedelta(
            seconds=uow.settings.auto_confirm_seconds
        )


def hand_out(uow: UnitOfWork, fulfillment_order: FulfillmentOrder, undo_within: timedelta) -> None:
    """Note that a unit of a locked fulfillment order was collected.

    With the last unit it becomes dispatched, and delivered once the time to undo a hand-out is over.
    """
    lines = queries.lines_of(uow.session, [fulfillment_order.id])[fulfillment_order.id]
    if all(each.is_done for each in lines):
        become_dispatched(uow, fulfillment_order)
        fulfillment_order.confirm_by = uow.now + undo_within
    elif fulfillment_order.state == rules.OPEN:
        fulfillment_order.state = rules.PARTLY


def undo_hand_out(uow: UnitOfWork, fulfillment_order: FulfillmentOrder) -> None:
    """Note that a unit of a locked fulfillment order was not collected after all."""
    lines = queries.lines_of(uow.session, [fulfillment_order.id])[fulfillment_order.id]
    fulfillment_order.state = (
        rules.PARTLY if any(each.dispatched_quantity for each in lines) else rules.OPEN
    )
    # No silence may confirm what was not collected.
    fulfillment_order.dispatched_at, fulfillment_order.confirm_by = None, None
    uow.session.flush()


def open_replacement(
    uow: UnitOfWork,
    fulfillment_order: FulfillmentOrder,
    line: FulfillmentLine,
    case_id: UUID,
    quantity: int,
) -> FulfillmentOrder:
    """Open another fulfillment order that sends so many units of a line once more."""
    kept = ("order_id", "order_no", "member_id", "supplier_id", "delivery_mode", "address", "note")
    again = FulfillmentOrder(
        id=new_id(),
        number=new_number("F", uow.now),
        case_id=case_id,
        state=rules.OPEN,
        created_at=uow.now,
        dispatch_by=_promise(uow, fulfillment_order.delivery_mode),
        **{name: getattr(fulfillment_order, name) for name in kept},
    )
    uow.session.add(again)
    uow.session.flush()
    copied = ("order_line_id", "sku_id", "title", "options")
    uow.session.add(
        FulfillmentLine(
            id=new_id(),
            fulfillment_order_id=again.id,
            quantity=quantity,
            is_replacement=True,
            **{name: getattr(line, name) for name in copied},
        )
    )
    uow.session.flush()
    # What replaces goods at a counter needs pickup vouchers of its own.
    if again.delivery_mode == rules.PICKUP:
        uow.emit(PickupOpened(str(again.id)))
    return again
