"""Open orders and move them through their states."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from mall.kernel.errors import NotFound
from mall.kernel.ids import new_id
from mall.kernel.together import DeferredWrite, document
from mall.kernel.uow import UnitOfWork
from orders.messages import OrderPaid
from orders.order import queries, rules, statements
from orders.order.models import Order, OrderEvent, OrderLine


@dataclass(frozen=True)
class NewOrder:
    """An order about to be written; amounts in fen, already checked and assigned to tenders."""

    id: UUID
    order_no: str
    member_id: UUID
    tender: str
    goods_fen: int
    freight_fen: int
    beans_fen: int
    wechat_fen: int
    freight: list[dict[str, Any]]
    address: dict[str, Any] | None
    note: str
    lines: list[dict[str, Any]]
    pay_by: datetime | None
    union_id: UUID | None = None
    # How much of each programme's value it takes.
    programmes: dict[UUID, int] = field(default_factory=dict)

    @property
    def total_fen(self) -> int:
        return self.goods_fen + self.freight_fen


def defer_order(uow: UnitOfWork, new: NewOrder) -> str:
    """Defer the writes of an order with its lines and history; return its state.

    What WeChat need not pay is paid now, and said so; the rest awaits payment.
    """
    is_paid = new.wechat_fen == 0
    state = rules.PAID if is_paid else rules.AWAITING_PAYMENT
    row = {
        **vars(new),
        "total_fen": new.total_fen,
        "state": state,
        "placed_at": uow.now,
        "paid_at": uow.now if is_paid else None,
        "refunded_beans_fen": 0,
        "refunded_wechat_fen": 0,
    }
    programmes = row.pop("programmes")
    lines = [{**line, "order_id": new.id} for line in row.pop("lines")]
    values = {
        "order_rows": document([row]),
        "order_lines": document(lines),
        "order_events": document(_first_events(uow, new, is_paid)),
    }
    uow.defer(DeferredWrite(statements.OPEN_ORDER, values))
    if programmes:
        carried = [
            {
                "programme_id": programme_id,
                "order_id": new.id,
                "amount_fen": amount_fen,
                "returned_fen": 0,
            }
            for programme_id, amount_fen in programmes.items()
        ]
        values = {"order_programmes": document(carried)}
        uow.defer(DeferredWrite(statements.CARRY_PROGRAMMES, values))
    if is_paid:
        uow.emit(OrderPaid(str(new.id)))
    return state


def _first_events(uow: UnitOfWork, new: NewOrder, is_paid: bool) -> list[dict[str, Any]]:
    # Beans pay at once; the history begins like every other, so that readers need no exception.
    steps: list[tuple[str | None, str]] = [(None, rules.AWAITING_PAYMENT)]
    if is_paid:
        steps.append((rules.AWAITING_PAYMENT, rules.PAID))
    shared = {"order_id": new.id, "happened_at": uow.now, "actor": f"member:{new.member_id}"}
    return [
        {"id": new_id(), "from_state": before, "to_state": after, "note": "", **shared}
        for before, after in steps
    ]


def lock(uow: UnitOfWork, order_id: UUID) -> Order:
    """Lock an order's row until the transaction ends, and return it as it is now."""
    order = uow.session.scalars(
        select(Order)
        .where(Order.id == order_id)
        .with_for_update()
        # The session may hold the row as it was before the lock; what counts is what is there now.
        .execution_options(populate_existing=True)
    ).first()
    if order is None:
        raise NotFound("order")
    return order


def is_cancelled(order: Order) -> bool:
    """Tell whether a locked order was cancelled."""
    return order.state == rules.CANCELLED


def mark_paid(uow: UnitOfWork, order: Order, note: str) -> None:
    """Move a locked order to paid and announce it."""
    _become(uow, order, rules.PAID, rules.SYSTEM, note)
    order.paid_at = uow.now
    uow.emit(OrderPaid(str(order.id)))


def count_reimbursed(
    uow: UnitOfWork, order: Order, beans_fen: int, wechat_fen: int, programmes: Mapping[UUID, int]
) -> None:
    """Count what goes back of a locked order, by tender and by programme; CHECKs keep it below."""
    order.refunded_beans_fen += beans_fen
    order.refunded_wechat_fen += wechat_fen
    # What a programme has in an order sinks with it: its union sees what was really used.
    for carried in queries.programmes_of(uow.session, [order.id])[order.id]:
        carried.returned_fen += programmes.get(carried.programme_id, 0)
    uow.session.flush()


def count_returned(uow: UnitOfWork, line: OrderLine, quantity: int) -> None:
    """Count units of a locked order's line whose whole price went back."""
    line.returned_quantity = min(line.quantity, line.returned_quantity + quantity)
    uow.session.flush()


def mark_cancelled(uow: UnitOfWork, order: Order, actor: str, reason: str) -> None:
    """Move a locked order to cancelled."""
    _become(uow, order, rules.CANCELLED, actor, reason)
    order.cancelled_at = uow.now
    order.cancel_reason = reason


def begin_dispatch(uow: UnitOfWork, order_id: UUID) -> None:
    """Note that a parcel of an order leaves: from now on it cannot be cancelled.

    Locks the order; raises WrongState for one that was cancelled. Doing it again changes nothing.
    """
    order = lock(uow, order_id)
    # Completed, too: the replacement of an exchange leaves after its order was complete.
    if order.state not in (rules.PAID, rules.COMPLETED):
        raise rules.STATES.refusal(order.state, "dispatch")
    # The first parcel decides; later ones leave the instant alone.
    if order.dispatch_began_at is None:
        order.dispatch_began_at = uow.now


def cancel_wholly_returned(uow: UnitOfWork, order_id: UUID) -> None:
    """Cancel an order of which nothing was sent and everything has gone back."""
    mark_cancelled(uow, lock(uow, order_id), rules.SYSTEM, rules.BY_AFTER_SALES)


def complete(uow: UnitOfWork, order_id: UUID, actor: str) -> None:
    """Complete an order whose fulfillment orders were all delivered; doing it again changes nothing."""
    order = lock(uow, order_id)
    if order.state == rules.COMPLETED:
        return
    _become(uow, order, rules.COMPLETED, actor, "")
    order.completed_at = uow.now


def _become(uow: UnitOfWork, order: Order, state: str, actor: str, note: str) -> None:
    rules.STATES.check(order.state, state)
    uow.session.add(
        OrderEvent(
            id=new_id(),
            order_id=order.id,
            happened_at=uow.now,
            actor=actor,
            from_state=order.state,
            to_state=state,
            note=note,
        )
    )
    order.state = state
