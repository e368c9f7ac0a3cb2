"""Issue vouchers, redeem each once, revoke those of what goes back."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from fulfillment.dispatch import queries as dispatch_queries
from fulfillment.dispatch import service as dispatch
from fulfillment.dispatch.models import FulfillmentLine
from fulfillment.messages import PickupOpened
from fulfillment.vouchers import queries, rules
from fulfillment.vouchers.models import PickupVoucher
from mall.kernel.clock import BEIJING
from mall.kernel.errors import NotFound
from mall.kernel.ids import new_id
from mall.kernel.uow import UnitOfWork
from orders.messages import OrderCancelled
from orders.order import service as order_service


def issue(uow: UnitOfWork, messages: Sequence[PickupOpened]) -> None:
    """Give a voucher for each unit to collect; a second message gives none."""
    parts = [UUID(message.fulfillment_order_id) for message in messages]
    owners = dispatch_queries.owners_of(uow.session, parts)
    rows: list[dict[str, Any]] = []
    for part_id, lines in dispatch_queries.lines_of(uow.session, parts).items():
        for line in lines:
            for position in range(line.quantity):
                rows.append(_row(uow, part_id, line.id, position) | owners[part_id])
    if rows:
        uow.session.execute(insert(PickupVoucher).values(rows).on_conflict_do_nothing())


def _row(uow: UnitOfWork, part_id: UUID, line_id: UUID, position: int) -> dict[str, Any]:
    voucher_id = new_id()
    return {
        "id": voucher_id,
        "fulfillment_order_id": part_id,
        "fulfillment_line_id": line_id,
        "position": position,
        "code_hash": rules.hash_of(rules.code_of(voucher_id, uow.settings.secret_key)),
        "state": rules.VALID,
        "created_at": uow.now,
    }


def redeem(uow: UnitOfWork, supplier_id: UUID, code: str, actor: str) -> PickupVoucher:
    """Hand out one unit against a code, once; the last one delivers the part.

    Raises NotFound for a code of another merchant as for none, VoucherUsed, VoucherRevoked and
    AfterSalesPending. Locks order, part and voucher in this order, as a refund does: one of the
    two comes first.
    """
    found = queries.find(uow.session, rules.hash_of(code), supplier_id)
    if found is None:
        raise NotFound("voucher", "提货码", field="code")
    part_id, line_id = found.fulfillment_order_id, found.fulfillment_line_id
    order_id = dispatch_queries.order_of(uow.session, part_id)
    if order_service.is_cancelled(order_service.lock(uow, order_id)):
        raise rules.VoucherRevoked("code")
    part = dispatch.lock(uow, part_id)
    uow.session.refresh(found, with_for_update=True)
    if found.state == rules.REDEEMED and found.redeemed_at is not None:
        raise rules.VoucherUsed("code", at=f"{found.redeemed_at.astimezone(BEIJING):%m-%d %H:%M}")
    if found.state == rules.REVOKED:
        raise rules.VoucherRevoked("code")
    line = uow.session.get_one(FulfillmentLine, line_id, populate_existing=True)
    if line.to_dispatch < 1:
        raise rules.AfterSalesPending("code")
    order_service.begin_dispatch(uow, order_id)
    found.state, found.redeemed_at, found.redeemed_by = rules.REDEEMED, uow.now, actor
    line.dispatched_quantity += 1
    uow.session.flush()
    dispatch.hand_out(uow, part, actor)
    return found


def revoke(uow: UnitOfWork, fulfillment_line_id: UUID, quantity: int) -> None:
    """Revoke vouchers of units of a locked part that go back before they were collected."""
    chosen = uow.session.scalars(
        select(PickupVoucher)
        .where(
            PickupVoucher.fulfillment_line_id == fulfillment_line_id,
            PickupVoucher.state == rules.VALID,
        )
        .order_by(PickupVoucher.position.desc())
        .limit(quantity)
        .with_for_update()
    )
    for voucher in chosen:
        voucher.state = rules.REVOKED
    uow.session.flush()


def revoke_cancelled(uow: UnitOfWork, messages: Sequence[OrderCancelled]) -> None:
    """Mark the vouchers of cancelled orders; from the cancellation on none of them was taken."""
    for message in messages:
        parts = [part.id for part in dispatch_queries.of_order(uow.session, UUID(message.order_id))]
        uow.session.execute(
            update(PickupVoucher)
            .where(
                PickupVoucher.fulfillment_order_id.in_(parts), PickupVoucher.state == rules.VALID
            )
            .values(state=rules.REVOKED)
            .execution_options(synchronize_session=False)
        )
