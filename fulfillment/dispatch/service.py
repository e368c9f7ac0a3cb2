"""Split paid orders among suppliers; deliver, and complete what is wholly delivered."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, update

from fulfillment.dispatch import queries, rules, statements
from fulfillment.dispatch.models import FulfillmentLine, FulfillmentOrder
from fulfillment.messages import PartDelivered, PickupOpened
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
        .where(FulfillmentOrder.order_id.in_(order_ids), FulfillmentOrder.state == rules.OPEN)
        .values(state=rules.CANCELLED)
        .execution_options(synchronize_session=False)
    )


def remind_overdue(uow: UnitOfWork, limit: int) -> int:
    """Remind suppliers, once, of each part that should have left; return of how many."""
    found = queries.overdue(uow.session, uow.now, limit)
    told = each_shown(_reminder, found)
    for part in found:
        part.reminded_at = uow.now
    staff_notices.notify(uow, told)
    return len(found)


def _reminder(part: FulfillmentOrder) -> NewNotice:
    return NewNotice(
        SUPPLIER,
        part.supplier_id,
        "dispatch_overdue",
        f"overdue:{part.id}",
        f"履约单 {part.number} 已超过承诺发货时间，请尽快发货；会员现在可以直接退款。",
        f"{part.number} should have been dispatched; its member may take the money back now.",
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
    """Record that everything arrived; the last part completes the order.

    Doing it again changes nothing. Raises WrongState before all of it is dispatched. Locks the
    order first, so that two last parts delivered at once complete it.
    """
    found = lock_with_order(uow, fulfillment_order_id)
    order_id = found.order_id
    if found.state == rules.DELIVERED:
        return found
    rules.STATES.check(found.state, rules.DELIVERED)
    found.state = rules.DELIVERED
    found.delivered_at = uow.now
    found.delivered_by = actor
    uow.session.flush()
    uow.emit(PartDelivered(str(order_id), str(found.id)))
    if found.case_id is None and queries.count_undelivered(uow.session, order_id) == 0:
        order_service.complete(uow, order_id, actor)
    return found


def lock_line(uow: UnitOfWork, order_line_id: UUID) -> tuple[FulfillmentOrder, FulfillmentLine]:
    """Lock the part of an order that an order's line went to; raises NotSplitYet.

    The order is locked before it, here as everywhere.
    """
    return _lock_line(uow, queries.find_line(uow.session, order_line_id))


def lock_line_of_part(
    uow: UnitOfWork, order_line_id: UUID, fulfillment_order_id: UUID
) -> tuple[FulfillmentOrder, FulfillmentLine]:
    """Lock a line as a given part sends it, which may replace another; raises NotSplitYet."""
    line = queries.find_line_of_part(uow.session, order_line_id, fulfillment_order_id)
    return _lock_line(uow, line)


def _lock_line(
    uow: UnitOfWork, line: FulfillmentLine | None
) -> tuple[FulfillmentOrder, FulfillmentLine]:
    if line is None:
        raise rules.NotSplitYet()
    part = lock(uow, line.fulfillment_order_id)
    uow.session.refresh(line)
    return part, line


def lines_of_supplier(uow: UnitOfWork, part: FulfillmentOrder) -> list[FulfillmentLine]:
    """Return the lines of all that a part's supplier fulfils of an order."""
    parts = queries.of_order(uow.session, part.order_id)
    own = [each.id for each in parts if each.supplier_id == part.supplier_id]
    return [line for lines in queries.lines_of(uow.session, own).values() for line in lines]


def take_out(uow: UnitOfWork, part: FulfillmentOrder, line: FulfillmentLine, quantity: int) -> None:
    """Take units that never left, and are held, out of a locked part of a locked order.

    A part of which nothing is left to send is on its way or, if nothing was sent, cancelled; so is
    its order with the last of them.
    """
    line.held_quantity -= quantity
    line.cancelled_quantity += quantity
    uow.session.flush()
    lines = queries.lines_of(uow.session, [part.id])[part.id]
    if not all(each.is_done for each in lines):
        return
    if any(each.dispatched_quantity for each in lines):
        become_dispatched(uow, part)
        return
    rules.STATES.check(part.state, rules.CANCELLED)
    part.state = rules.CANCELLED
    uow.session.flush()
    if part.case_id is not None:
        # What would have replaced goods decides nothing about the order itself.
        return
    parts = queries.of_order(uow.session, part.order_id)
    states = {each.state for each in parts if each.case_id is None}
    if states == {rules.CANCELLED}:
        order_service.cancel_wholly_returned(uow, part.order_id)
    elif states == {rules.CANCELLED, rules.DELIVERED}:
        order_service.complete(uow, part.order_id, order_rules.SYSTEM)


def become_dispatched(uow: UnitOfWork, part: FulfillmentOrder) -> None:
    """Note that all that a locked part sends is on its way; its member now has time to confirm."""
    part.state = rules.DISPATCHED
    part.dispatched_at = uow.now
    # Silence does not accept what goes to a union.
    if part.delivery_mode != rules.UNIT:
        part.confirm_by = uow.now + timedelta(seconds=uow.settings.auto_confirm_seconds)


def hand_out(uow: UnitOfWork, part: FulfillmentOrder, undo_within: timedelta) -> None:
    """Note that a unit of a locked part was collected.

    With the last one it is on its way to being delivered: so long a hand-out can be taken back.
    """
    lines = queries.lines_of(uow.session, [part.id])[part.id]
    if all(each.is_done for each in lines):
        become_dispatched(uow, part)
        part.confirm_by = uow.now + undo_within
    elif part.state == rules.OPEN:
        part.state = rules.PARTLY


def take_back(uow: UnitOfWork, part: FulfillmentOrder) -> None:
    """Note that a unit of a locked part was not collected after all."""
    lines = queries.lines_of(uow.session, [part.id])[part.id]
    part.state = rules.PARTLY if any(each.dispatched_quantity for each in lines) else rules.OPEN
    part.dispatched_at, part.confirm_by = None, None
    uow.session.flush()


def open_replacement(
    uow: UnitOfWork, part: FulfillmentOrder, line: FulfillmentLine, case_id: UUID, quantity: int
) -> FulfillmentOrder:
    """Open another fulfillment order that sends so many units of a line once more."""
    kept = ("order_id", "order_no", "member_id", "supplier_id", "delivery_mode", "address", "note")
    again = FulfillmentOrder(
        id=new_id(),
        number=new_number("F", uow.now),
        case_id=case_id,
        state=rules.OPEN,
        created_at=uow.now,
        dispatch_by=_promise(uow, part.delivery_mode),
        **{name: getattr(part, name) for name in kept},
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
    if again.delivery_mode == rules.PICKUP:
        uow.emit(PickupOpened(str(again.id)))
    return again
