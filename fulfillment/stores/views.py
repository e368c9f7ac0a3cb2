"""A member finds a store and chooses when to come."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from sqlalchemy.orm import Session

from fulfillment.stores import queries, rules, service
from fulfillment.stores.schemas import (
    NearbyPage,
    NearbyQuery,
    PickupBody,
    PickupList,
    SlotList,
    SlotsQuery,
)
from mall.access.guard import current_member_id, public
from mall.kernel.clock import beijing_day, now
from mall.kernel.uow import reading, unit_of_work
from mall.web.fields import page
from orders.order import queries as order_queries

bp = APIBlueprint("stores", __name__, url_prefix="/v1/store", tag="Store: collection")


@bp.get("/stores")
@public
@bp.input(NearbyQuery, location="query")
@bp.output(NearbyPage)
@bp.doc(
    summary="Find stores; with a position the nearest first",
    description="The nearest are given in one page of `limit`, without a cursor.",
)
def find_stores(query_data: dict[str, Any]) -> dict[str, Any]:
    at = (query_data["latitude"], query_data["longitude"])
    near = queries.StoreFilter(
        query_data["supplier_id"], query_data["product_id"], at if at[0] is not None else None
    )
    limit = query_data["limit"]
    with reading() as session:
        found = queries.find(session, near, query_data["cursor"], limit)
        shown = queries.shown(session, [store for store, _ in found])
    far = {store.id: km for store, km in found}
    for each in shown:
        km = far[each["id"]]
        each["distance_km"] = None if km is None else round(km, 2)
    return page(shown, limit)


@bp.get("/stores/<uuid:store_id>/slots")
@public
@bp.input(SlotsQuery, location="query")
@bp.output(SlotList)
@bp.doc(summary="List the times at which something can be collected, and how much room there is")
def list_slots(store_id: UUID, query_data: dict[str, Any]) -> dict[str, Any]:
    first = query_data["first"] or beijing_day(now())
    days = [first + timedelta(days=number) for number in range(query_data["days"])]
    last = beijing_day(now()) + timedelta(days=rules.MAX_DAYS_AHEAD)
    with reading() as session:
        store = queries.any_store(session, store_id)
        if not store.is_active:
            raise rules.StoreClosed()
        soonest = now() + timedelta(hours=store.lead_hours)
        taken = queries.taken(session, store_id, days) if store.daily_capacity is not None else {}
        items = [
            {
                **vars(slot),
                "left": None
                if store.daily_capacity is None
                else max(0, store.daily_capacity - taken[day]),
            }
            for day in days
            if day <= last
            for slot in rules.slots(store.hours, store.closed_on, day, store.slot_minutes)
            if slot.starts_at >= soonest
        ]
    return {"items": items}


def _chosen(session: Session, order_id: UUID) -> dict[str, Any]:
    found = queries.choices_of(session, order_id)
    names = ("supplier_id", "slot_starts", "slot_ends", "units")
    return {
        "items": [
            {**{name: getattr(choice, name) for name in names}, "store": store}
            for choice, store in found
        ]
    }


@bp.get("/orders/<uuid:order_id>/pickup")
@bp.output(PickupList)
@bp.doc(summary="Read where and when one's own order is collected, merchant by merchant")
def read_pickup(order_id: UUID) -> dict[str, Any]:
    with reading() as session:
        order_queries.order_of_member(session, order_id, current_member_id())
        return _chosen(session, order_id)


@bp.put("/orders/<uuid:order_id>/pickup")
@bp.input(PickupBody)
@bp.output(PickupList)
@bp.doc(
    summary="Choose store and time for each merchant of one's own order, or choose anew",
    description="From the moment the order is placed until the lead time of what was chosen begins."
    " All choices are taken, or none.",
    responses={
        409: "Closed, full, too soon, or being prepared already",
        422: "No such time, or a product that the store does not hand out",
    },
)
def choose_pickup(order_id: UUID, json_data: dict[str, Any]) -> dict[str, Any]:
    with unit_of_work() as uow:
        # In one order for everybody: two members who choose the same stores never wait crosswise.
        for asked in sorted(json_data["choices"], key=lambda each: each.store_id):
            service.choose(uow, current_member_id(), order_id, asked)
        return _chosen(uow.session, order_id)
