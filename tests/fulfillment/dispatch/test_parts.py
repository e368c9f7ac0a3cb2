"""How an order is split, leaves, and is completed: by supplier and way of delivery, each once."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from fulfillment.dispatch import queries as dispatch_queries
from fulfillment.dispatch import rules as dispatch_rules
from fulfillment.dispatch import service as dispatch_service
from mall.kernel import clock
from mall.kernel.uow import unit_of_work
from orders.messages import OrderCancelled, OrderPaid
from tests.support.database import count_rows, select_rows
from tests.support.people import new_member, new_staff, order_body
from tests.support.selling import PARCEL, Sale
from tests.support.shop import new_sku, new_supplier
from tests.support.working import run_outbox


@dataclass(frozen=True)
class Line:
    supplier_id: UUID
    delivery_mode: str
    name: str


def act(world, work):
    with world.app.app_context(), unit_of_work() as uow:
        return work(uow)


def test_lines_are_grouped_by_supplier_and_delivery_in_their_order():
    one, two = uuid4(), uuid4()
    lines = [
        Line(one, "ship", "a"),
        Line(two, "ship", "b"),
        Line(one, "store_pickup", "c"),
        Line(one, "ship", "d"),
    ]
    found = dispatch_rules.split(lines)
    assert {key: [line.name for line in group] for key, group in found.items()} == {
        (one, "ship"): ["a", "d"],
        (two, "ship"): ["b"],
        (one, "store_pickup"): ["c"],
    }


def test_a_part_goes_only_the_ways_of_its_table():
    ways = {(a, b) for a, ends in dispatch_rules.STATES.table.items() for b in ends}
    assert ways == {
        ("open", "partly_dispatched"),
        ("open", "dispatched"),
        ("open", "cancelled"),
        ("partly_dispatched", "dispatched"),
        ("partly_dispatched", "open"),
        ("dispatched", "delivered"),
        ("dispatched", "partly_dispatched"),
        ("dispatched", "open"),
    }


@pytest.fixture
def two(world):
    """An order of two suppliers, paid and split; its member and both suppliers with their parts."""
    ids = [new_supplier(world) for _ in range(2)]
    skus = [new_sku(world, 1000, 9, supplier_id)[1] for supplier_id in ids]
    member = new_member(world, beans_fen=2000)
    order = member.post("/v1/store/orders", order_body(skus, "beans", 2000)).get_json()
    run_outbox(world)
    suppliers = [new_staff(world, "supplier", supplier_id) for supplier_id in ids]
    parts = [each.get("/v1/supplier/fulfillment-orders").get_json()["items"] for each in suppliers]
    assert [len(each) for each in parts] == [1, 1]
    return member, order["order_id"], suppliers, [each[0]["id"] for each in parts]


def send(supplier, part, **more):
    path = f"/v1/supplier/fulfillment-orders/{part}/shipments"
    return supplier.post(path, {**PARCEL, **more})


def test_an_order_is_completed_with_the_last_of_its_suppliers_and_not_before(two, audited):
    member, order_id, suppliers, parts = two
    states = []
    for supplier, part in zip(suppliers, parts, strict=True):
        assert send(supplier, part, is_shared=True).status_code == 201
        member.post(f"/v1/store/fulfillment-orders/{part}/confirm")
        states.append(member.get(f"/v1/store/orders/{order_id}").get_json()["state"])
    assert states == ["paid", "completed"]
    audited()


def test_one_suppliers_part_is_nobody_elses(two):
    _, _, suppliers, parts = two
    assert send(suppliers[0], parts[1]).status_code == 404
    assert suppliers[0].get(f"/v1/supplier/fulfillment-orders/{parts[1]}").status_code == 404


def test_what_left_of_one_supplier_keeps_the_whole_order_from_being_cancelled(two, audited):
    member, order_id, suppliers, parts = two
    assert send(suppliers[0], parts[0]).status_code == 201
    refused = member.post(f"/v1/store/orders/{order_id}/cancel")
    assert (refused.status_code, refused.get_json()["code"]) == (409, "already_dispatched")
    audited()


def test_messages_that_come_again_split_and_cancel_once(world, two, audited):
    member, order_id, _, _ = two
    act(world, lambda uow: dispatch_service.open_fulfillment_orders(uow, [OrderPaid(order_id)] * 2))
    assert count_rows(world, "fulfillment_order") == 2
    assert member.post(f"/v1/store/orders/{order_id}/cancel").status_code == 200
    for _ in range(2):
        act(
            world,
            lambda uow: dispatch_service.cancel_fulfillment_orders(uow, [OrderCancelled(order_id)]),
        )
    assert count_rows(world, "fulfillment_order WHERE state = 'cancelled'") == 2
    audited()


def test_a_supplier_is_reminded_once_of_a_part_that_is_late_and_of_no_other(world, two):
    _, _, suppliers, parts = two
    assert send(suppliers[0], parts[0]).status_code == 201
    promised = select_rows(world, "SELECT max(dispatch_by) AS at FROM fulfillment_order")[0].at
    clock.freeze(promised)
    assert act(world, lambda uow: dispatch_service.remind_overdue(uow, 10)) == 0
    clock.freeze(promised + timedelta(seconds=1))
    assert [act(world, lambda uow: dispatch_service.remind_overdue(uow, 10)) for _ in range(2)] == [
        1,
        0,
    ]
    told = select_rows(world, "SELECT scope_id FROM notice WHERE kind = 'dispatch_overdue'")
    assert [str(row.scope_id) for row in told] == [
        str(
            select_rows(
                world, "SELECT supplier_id FROM fulfillment_order WHERE id = :id", id=parts[1]
            )[0][0]
        )
    ]


def test_exactly_what_is_left_is_dispatched_and_not_one_more(world, audited):
    sale = Sale(world, quantity=3, price=1000, beans=3000)
    refused = sale.dispatch(4)
    assert (refused.status_code, refused.get_json()["left"]) == (422, 3)
    assert sale.dispatch(1).status_code == 201
    assert sale.part()["state"] == "partly_dispatched"
    assert sale.dispatch(3).get_json()["left"] == 2
    assert sale.dispatch(2).status_code == 201
    assert sale.part()["state"] == "dispatched"
    assert sale.dispatch(1).get_json()["code"] == "wrong_state"
    audited()


def test_silence_confirms_at_the_promised_instant_and_not_a_moment_before(world, audited):
    sale = Sale(world, quantity=1, price=1000, beans=1000)
    sale.dispatch()
    [row] = select_rows(world, "SELECT confirm_by FROM fulfillment_order")
    with world.app.app_context(), unit_of_work() as uow:
        early = row.confirm_by - timedelta(microseconds=1)
        assert dispatch_queries.due_for_confirmation(uow.session, early, 9) == []
        assert len(dispatch_queries.due_for_confirmation(uow.session, row.confirm_by, 9)) == 1


def test_a_line_that_was_not_split_yet_is_told_so(world):
    with pytest.raises(dispatch_rules.NotSplitYet):
        act(world, lambda uow: dispatch_service.lock_line(uow, uuid4()))


def test_only_what_is_collected_is_told_to_those_who_make_vouchers(world):
    supplier_id = new_supplier(world)
    shipped = new_sku(world, 1000, 9, supplier_id)[1]
    collected = new_sku(world, 1000, 9, supplier_id, delivery_modes=["store_pickup"])[1]
    member = new_member(world, beans_fen=2000)
    member.post("/v1/store/orders", order_body([shipped, collected], "beans", 2000))
    run_outbox(world)
    [part] = select_rows(
        world, "SELECT id FROM fulfillment_order WHERE delivery_mode = 'store_pickup'"
    )
    told = select_rows(
        world, "SELECT payload FROM outbox_delivery WHERE topic LIKE '%PickupOpened'"
    )
    assert [each.payload for each in told] == [{"fulfillment_order_id": str(part.id)}]
