"""Merchants keep stores; members choose one and a time (docs/adr/0022)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select, update

from catalog.products.queries import products
from catalog.products.rules import STORE_PICKUP
from fulfillment.stores import queries, rules
from fulfillment.stores.models import PickupChoice, Store
from fulfillment.stores.rules import Collected, Slot, StoreForm
from mall.access.rules import STORE
from mall.kernel.clock import BEIJING, beijing_day
from mall.kernel.db import hold_turn
from mall.kernel.errors import Invalid, LimitReached
from mall.kernel.ids import new_id
from mall.kernel.text import canonical
from mall.kernel.uow import UnitOfWork
from mall.members import queries as member_queries
from mall.members.rules import clean_phone
from mall.notification.rules import NewNotice
from mall.notification.service import staff_notices
from orders.order import queries as order_queries
from orders.order import rules as order_rules
from orders.order import service as order_service


@dataclass(frozen=True)
class PickupWish:
    """Where and from when a member wants to collect what an order has of a store's merchant."""

    store_id: UUID
    starts_at: datetime


def add_store(uow: UnitOfWork, supplier_id: UUID, form: StoreForm) -> Store:
    """Open a store; raises Invalid, StoreNameTaken and LimitReached."""
    hold_turn(uow.session, "store", supplier_id)
    if len(queries.of_supplier(uow.session, supplier_id)) >= rules.MAX_STORES:
        raise LimitReached(limit=rules.MAX_STORES)
    store = Store(id=new_id(), supplier_id=supplier_id, is_active=True, created_at=uow.now)
    _check_name(uow, store, form.name)
    _fill(uow, store, form)
    uow.session.add(store)
    uow.session.flush()
    return store


def change_store(uow: UnitOfWork, supplier_id: UUID, store_id: UUID, form: StoreForm) -> Store:
    """Say anew what a store is; what was chosen stays chosen, at the place that was agreed.

    Who had chosen a place that is another now is told. Raises NotFound, StoreNameTaken and Invalid.
    """
    store = _lock_of_supplier(uow, store_id, supplier_id)
    before = queries.place_of(uow.session, store)
    _check_name(uow, store, form.name)
    _fill(uow, store, form)
    uow.session.flush()
    place = queries.place_of(uow.session, store)
    if place != before:
        _tell_moved(uow, store, place)
    return store


def _check_name(uow: UnitOfWork, store: Store, name: str) -> None:
    """Raise StoreNameTaken for a name that members would take for another store's of the merchant."""
    twin = select(Store.id).where(
        Store.supplier_id == store.supplier_id,
        Store.name_key == canonical.key(name),
        Store.id != store.id,
    )
    if uow.session.scalars(twin).first() is not None:
        raise rules.StoreNameTaken("name")


def _tell_moved(uow: UnitOfWork, store: Store, place: Mapping[str, Any]) -> None:
    where = f"{place['region']}{place['detail']}"
    coming = uow.session.execute(
        select(PickupChoice.member_id, PickupChoice.order_id, PickupChoice.place).where(
            PickupChoice.store_id == store.id, PickupChoice.slot_ends > uow.now
        )
    )
    told = [
        NewNotice(
            STORE,
            row.member_id,
            "store_changed",
            f"store_changed:{store.id}:{row.order_id}:{uow.now.isoformat()}",
            f"您选择的门店“{row.place['name']}”现为“{store.name}”，地址：{where}，电话：{store.phone}。"
            "可按原时段前往，或重新选择。",
            f"{row.place['name']} is {store.name} now: {where}, {store.phone}. Come there, or"
            " choose another.",
        )
        for row in coming
    ]
    staff_notices.notify(uow, told)


def _fill(uow: UnitOfWork, store: Store, form: StoreForm) -> None:
    rules.check_form(form)
    member_queries.check_region(uow.session, form.region_code, "region_code")
    if form.product_ids is not None:
        own = set(products.own_ids(uow.session, store.supplier_id, form.product_ids))
        if own != set(form.product_ids):
            raise Invalid("product_ids", "products_not_yours")
    values: dict[str, Any] = {
        **vars(form),
        "phone": clean_phone(form.phone),
        "hours": rules.as_rows(form.hours),
        "closed_on": sorted({day.isoformat() for day in form.closed_on}),
        "product_ids": None if form.product_ids is None else [str(key) for key in form.product_ids],
    }
    for name, value in values.items():
        setattr(store, name, value)


def set_active(uow: UnitOfWork, supplier_id: UUID, store_id: UUID, is_active: bool) -> Store:
    """Close a store for collection, or open it again; raises NotFound.

    Who had chosen it for a time to come is told to choose another.
    """
    store = _lock_of_supplier(uow, store_id, supplier_id)
    if store.is_active == is_active:
        return store
    store.is_active = is_active
    uow.session.flush()
    if not is_active:
        _let_go(uow, store)
    return store


def _let_go(uow: UnitOfWork, store: Store) -> None:
    gone = uow.session.execute(
        delete(PickupChoice)
        .where(PickupChoice.store_id == store.id, PickupChoice.slot_ends > uow.now)
        .returning(PickupChoice.member_id, PickupChoice.order_id)
    ).all()
    told = [
        NewNotice(
            STORE,
            row.member_id,
            "store_closed",
            f"store_closed:{store.id}:{row.order_id}:{uow.now.isoformat()}",
            f"您选择的门店“{store.name}”已停止自提，请重新选择门店和时段。",
            f"{store.name} no longer hands anything out; choose another store and time.",
        )
        for row in gone
    ]
    staff_notices.notify(uow, told)


def choose(uow: UnitOfWork, member_id: UUID, order_id: UUID, wish: PickupWish) -> PickupChoice:
    """Choose where and when to collect what one's own order has of a store's merchant.

    Locks the order, then the store: places of a day are counted one choice after the other.
    Raises NotFound, WrongState, StoreClosed, NothingToCollect, NotHonoured, TooLateToChange,
    SlotUnknown, SlotTooSoon and DayFull.
    """
    order_queries.order_of_member(uow.session, order_id, member_id)
    order = order_service.lock(uow, order_id)
    if order.state not in (order_rules.AWAITING_PAYMENT, order_rules.PAID):
        raise order_rules.STATES.refusal(order.state, "pickup")
    store = _lock(uow, wish.store_id)
    if not store.is_active:
        raise rules.StoreClosed("store_id")
    lines = _collected(uow, order_id, store.supplier_id)
    missing = [
        each.title for each in lines if not rules.honours(store.product_ids, each.product_id)
    ]
    if missing:
        raise rules.NotHonoured("store_id", titles="、".join(missing))
    before = queries.choice_of(uow.session, order_id, store.supplier_id)
    if before is not None:
        _check_changeable(uow, before)
    slot = _slot(uow, store, wish.starts_at)
    units = before.units if before is not None else sum(line.quantity for line in lines)
    _check_room(uow, store, slot, units, before)
    # The order is locked: nobody else writes what is chosen for it.
    choice = before or PickupChoice(order_id=order_id, supplier_id=store.supplier_id)
    values = {
        "store_id": store.id,
        "member_id": member_id,
        "day": beijing_day(slot.starts_at),
        "slot_starts": slot.starts_at,
        "slot_ends": slot.ends_at,
        "place": queries.place_of(uow.session, store),
        "units": units,
        "chosen_at": uow.now,
    }
    for name, value in values.items():
        setattr(choice, name, value)
    uow.session.add(choice)
    uow.session.flush()
    return choice


def _lock_of_supplier(uow: UnitOfWork, store_id: UUID, supplier_id: UUID) -> Store:
    queries.store_of_supplier(uow.session, store_id, supplier_id)
    return _lock(uow, store_id)


def _lock(uow: UnitOfWork, store_id: UUID) -> Store:
    queries.any_store(uow.session, store_id)
    return uow.session.scalars(
        select(Store)
        .where(Store.id == store_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()


def _collected(uow: UnitOfWork, order_id: UUID, supplier_id: UUID) -> list[Collected]:
    lines = order_queries.lines_of(uow.session, [order_id])[order_id]
    found: list[Collected] = [
        line
        for line in lines
        if line.supplier_id == supplier_id and line.delivery_mode == STORE_PICKUP
    ]
    if not found:
        raise rules.NothingToCollect("store_id")
    return found


def _check_changeable(uow: UnitOfWork, before: PickupChoice) -> None:
    store = queries.any_store(uow.session, before.store_id)
    begins = before.slot_starts - timedelta(hours=store.lead_hours)
    if store.is_active and store.lead_hours and begins <= uow.now < before.slot_ends:
        raise rules.TooLateToChange(at=f"{begins.astimezone(BEIJING):%m-%d %H:%M}")


def _slot(uow: UnitOfWork, store: Store, starts_at: datetime) -> Slot:
    day = beijing_day(starts_at)
    if day > beijing_day(uow.now) + timedelta(days=rules.MAX_DAYS_AHEAD):
        raise rules.SlotUnknown("starts_at")
    found = rules.slots(store.hours, store.closed_on, day, store.slot_minutes)
    slot = next((each for each in found if each.starts_at == starts_at), None)
    if slot is None:
        raise rules.SlotUnknown("starts_at")
    if slot.starts_at < uow.now + timedelta(hours=store.lead_hours):
        raise rules.SlotTooSoon("starts_at", hours=store.lead_hours)
    return slot


def _check_room(
    uow: UnitOfWork, store: Store, slot: Slot, units: int, before: PickupChoice | None
) -> None:
    if store.daily_capacity is None:
        return
    day = beijing_day(slot.starts_at)
    left = store.daily_capacity - queries.taken(uow.session, store.id, [day])[day]
    if before is not None and (before.store_id, before.day) == (store.id, day):
        left += before.units
    if units > left:
        raise rules.DayFull("starts_at", left=max(0, left))


def release(uow: UnitOfWork, order_id: UUID, supplier_id: UUID, units: int) -> None:
    """Give places of a day back: so many units of an order are not collected any more."""
    uow.session.execute(
        update(PickupChoice)
        .where(PickupChoice.order_id == order_id, PickupChoice.supplier_id == supplier_id)
        .values(units=func.greatest(PickupChoice.units - units, 0))
        .execution_options(synchronize_session=False)
    )


def counter_of(uow: UnitOfWork, store_id: UUID) -> Store:
    """Return the store that a clerk acts for; raises NotFound for an account without one."""
    store = queries.any_store(uow.session, store_id)
    if not store.is_active:
        raise rules.StoreClosed()
    return store
