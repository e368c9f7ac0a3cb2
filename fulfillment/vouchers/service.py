"""Issue vouchers, redeem each once, revoke those of what goes back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from fulfillment.dispatch import queries as dispatch_queries
from fulfillment.dispatch import rules as dispatch_rules
from fulfillment.dispatch import service as dispatch_service
from fulfillment.dispatch.models import FulfillmentLine, FulfillmentOrder
from fulfillment.messages import PickupOpened
from fulfillment.stores import service as store_service
from fulfillment.stores.models import Store
from fulfillment.vouchers import queries, rules
from fulfillment.vouchers.models import PickupVoucher
from mall.access import service as access_service
from mall.access.rules import OPS, STORE, SUPPLIER
from mall.kernel.errors import NotFound
from mall.kernel.ids import new_id
from mall.kernel.rows.shown import each_shown
from mall.kernel.uow import UnitOfWork
from mall.notification.rules import NewNotice
from mall.notification.service import staff_notices
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
    voucher_id, secret = new_id(), uow.settings.secret_key
    return {
        "id": voucher_id,
        "fulfillment_order_id": part_id,
        "fulfillment_line_id": line_id,
        "position": position,
        "code_hash": rules.hash_of(rules.code_of(voucher_id, secret)),
        "short_hash": rules.short_hash(rules.short_of(voucher_id, secret), secret),
        "state": rules.VALID,
        "created_at": uow.now,
        "expires_at": uow.now + timedelta(days=uow.settings.voucher_days),
    }


@dataclass(frozen=True)
class StoreDesk:
    """Where a code is shown: a store, who stands at its counter, and the key of the request."""

    store: Store
    clerk_id: UUID
    actor: str
    request_key: str | None = None


def look_up(uow: UnitOfWork, desk: StoreDesk, code: str) -> PickupVoucher | None:
    """Return the voucher of a code of the desk's merchant.

    None counts as a wrong code: the caller commits, then refuses. Raises TooManyTries for a clerk or
    a store that gave too many, and ShortCodeAmbiguous.
    """
    counters = ((rules.CLERK_GUESSES, desk.clerk_id), (rules.STORE_GUESSES, desk.store.id))
    for allowance, subject_id in counters:
        access_service.check_tries(uow, allowance, subject_id)
    found = queries.find(uow.session, code, desk.store.supplier_id, uow.settings.secret_key)
    count = access_service.count_wrong_try if found is None else access_service.check_tries
    for allowance, subject_id in counters:
        count(uow, allowance, subject_id)
    return found


def alarm(uow: UnitOfWork, desk: StoreDesk) -> bool:
    """Tell operators and merchant that codes are being guessed at a store; False: they know.

    They are told once an hour.
    """
    store = desk.store
    told = [
        NewNotice(
            audience,
            scope_id,
            "pickup_guessing",
            f"guessing:{store.id}:{uow.now:%Y%m%d%H}",
            f"门店“{store.name}”连续输入错误提货码，已暂停核销，请核实。",
            f"Wrong codes keep being entered at {store.name}; its counter is closed for now.",
        )
        for audience, scope_id in ((OPS, None), (SUPPLIER, store.supplier_id))
    ]
    return staff_notices.notify(uow, told) > 0


def redeem(uow: UnitOfWork, desk: StoreDesk, voucher_id: UUID) -> PickupVoucher:
    """Hand out one unit against a voucher of the desk's merchant, once.

    The request that used it gets the same answer again. Raises VoucherUsed, VoucherRevoked,
    VoucherExpired, WrongStore and AfterSalesPending. Locks order, part and voucher in this order,
    as a refund does: one of the two comes first.
    """
    found = queries.get_voucher(uow.session, voucher_id)
    part_id, line_id = found.fulfillment_order_id, found.fulfillment_line_id
    order_id = dispatch_queries.order_of(uow.session, part_id)
    if order_service.is_cancelled(order_service.lock(uow, order_id)):
        raise rules.VoucherRevoked("code")
    part = dispatch_service.lock(uow, part_id)
    uow.session.refresh(found, with_for_update=True)
    if _is_same_request(found, desk):
        return found
    _check_usable(uow, found)
    line = uow.session.get_one(FulfillmentLine, line_id, populate_existing=True)
    rules.check_allowed(desk.store.id, queries.allowed_stores(uow.session, part, line))
    if line.to_dispatch < 1:
        raise rules.AfterSalesPending("code")
    order_service.begin_dispatch(uow, order_id)
    found.state, found.redeemed_at, found.redeemed_by = rules.REDEEMED, uow.now, desk.actor
    found.store_id, found.store_name = desk.store.id, desk.store.name
    found.request_key = desk.request_key
    line.dispatched_quantity += 1
    uow.session.flush()
    dispatch_service.hand_out(uow, part, rules.UNDO_WITHIN)
    return found


def _is_same_request(found: PickupVoucher, desk: StoreDesk) -> bool:
    return (
        found.state == rules.REDEEMED
        and found.store_id == desk.store.id
        and desk.request_key is not None
        and found.request_key == desk.request_key
    )


def _check_usable(uow: UnitOfWork, found: PickupVoucher) -> None:
    if found.state == rules.REDEEMED and found.redeemed_at is not None:
        name = found.store_name or "—"
        raise rules.VoucherUsed("code", at=rules.told(found.redeemed_at), store=name)
    if found.state == rules.REVOKED:
        raise rules.VoucherRevoked("code")
    if found.expires_at <= uow.now:
        raise rules.VoucherExpired("code", at=rules.told(found.expires_at))


def undo(uow: UnitOfWork, desk: StoreDesk, voucher_id: UUID, reason: str) -> PickupVoucher:
    """Take a hand-out of this store back within ten minutes; the voucher can be used again.

    Raises NotFound for one of another store, NotUsed and UndoTooLate.
    """
    found = queries.get_voucher(uow.session, voucher_id)
    if found.store_id != desk.store.id:
        raise NotFound("voucher")
    line_id = found.fulfillment_line_id
    part = dispatch_service.lock_with_order(uow, found.fulfillment_order_id)
    uow.session.refresh(found, with_for_update=True)
    rules.check_undo(found.redeemed_at, uow.now)
    if part.state == dispatch_rules.DELIVERED:
        raise rules.UndoTooLate()
    _note(
        found,
        what="undone",
        by=desk.actor,
        note=reason,
        at=_instant(uow.now),
        redeemed_at=_instant(found.redeemed_at),
        redeemed_by=found.redeemed_by,
    )
    found.state, found.redeemed_at, found.redeemed_by = rules.VALID, None, None
    found.store_id, found.store_name, found.request_key = None, None, None
    line = uow.session.get_one(FulfillmentLine, line_id, populate_existing=True)
    line.dispatched_quantity -= 1
    uow.session.flush()
    dispatch_service.take_back(uow, part)
    return found


def _note(found: PickupVoucher, **step: str | None) -> None:
    found.history = [*found.history, step]


def _instant(at: datetime | None) -> str | None:
    return at.isoformat() if at is not None else None


def extend(
    uow: UnitOfWork, voucher_id: UUID, until: datetime, actor: str, note: str
) -> PickupVoucher:
    """Let a voucher that is still good be used for longer; raises NotFound, WrongState, Invalid."""
    queries.get_voucher(uow.session, voucher_id)
    found = uow.session.get_one(PickupVoucher, voucher_id, with_for_update=True)
    if found.state != rules.VALID:
        raise rules.STATES.refusal(found.state, "extend")
    rules.check_extension(found.expires_at, until, uow.now)
    at, before = _instant(uow.now), _instant(found.expires_at)
    _note(found, what="extended", by=actor, note=note, at=at, ended=before)
    found.expires_at, found.reminded_at = until, None
    uow.session.flush()
    return found


def remind_expiring(uow: UnitOfWork, limit: int) -> int:
    """Tell members, once, that a voucher ends within a week; return how many."""
    found = queries.expiring(uow.session, uow.now, limit)
    told = each_shown(_reminder, found)
    for voucher in found:
        voucher.reminded_at = uow.now
    staff_notices.notify(uow, told)
    return len(found)


def _reminder(voucher: PickupVoucher) -> NewNotice:
    ends = rules.told(voucher.expires_at)
    return NewNotice(
        STORE,
        voucher.member_id,
        "voucher_expiring",
        f"expiring:{voucher.id}:{voucher.expires_at.isoformat()}",
        f"您有一张提货券将于 {ends} 到期，请尽快到店使用。",
        f"A pickup voucher of yours ends at {ends}; collect it soon.",
    )


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
    _free_places(uow, fulfillment_line_id, quantity)


def expire(uow: UnitOfWork, voucher_id: UUID) -> bool:
    """Mark a voucher, of a locked part, that ended unused; False where somebody was faster."""
    found = uow.session.get_one(PickupVoucher, voucher_id, with_for_update=True)
    uow.session.refresh(found)
    if found.state != rules.VALID or found.expires_at > uow.now:
        return False
    found.state = rules.EXPIRED
    uow.session.flush()
    _free_places(uow, found.fulfillment_line_id, 1)
    return True


def _free_places(uow: UnitOfWork, fulfillment_line_id: UUID, quantity: int) -> None:
    line = uow.session.get_one(FulfillmentLine, fulfillment_line_id)
    part = uow.session.get_one(FulfillmentOrder, line.fulfillment_order_id)
    store_service.release(uow, part.order_id, part.supplier_id, quantity)


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
