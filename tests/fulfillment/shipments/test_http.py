"""Suppliers dispatch, in parts if need be; members confirm, or silence does."""

import secrets
from datetime import timedelta

import pytest

from mall.kernel import clock
from tests.support.database import select_rows
from tests.support.people import new_member, new_staff, order_body
from tests.support.shop import new_sku, new_supplier
from tests.support.working import run_outbox, run_sweep

PARCEL = {"carrier": "sf", "tracking_no": "SF1234567890123"}


@pytest.fixture
def part(world):
    """A paid order of three units, split; its member, its supplier, and its only part."""
    supplier_id = new_supplier(world)
    member = new_member(world, beans_fen=10_000)
    _, sku = new_sku(world, 1000, 9, supplier_id)
    body = order_body([sku], "beans", 3000, quantity=3)
    order = member.post("/v1/store/orders", body).get_json()
    run_outbox(world)
    path = f"/v1/store/orders/{order['order_id']}"
    [found] = member.get(f"{path}/fulfillment-orders").get_json()["items"]
    return member, new_staff(world, "supplier", supplier_id), found, path


def dispatch(supplier, found, key=None, **change):
    path = f"/v1/supplier/fulfillment-orders/{found['id']}/shipments"
    return supplier.post(path, PARCEL | change, key)


def confirm(member, found):
    return member.post(f"/v1/store/fulfillment-orders/{found['id']}/confirm")


def test_a_part_is_dispatched_in_parcels_and_completed_by_its_member(world, part, audited):
    member, supplier, found, path = part
    line_id = found["lines"][0]["id"]
    first = dispatch(supplier, found, items=[{"line_id": line_id, "quantity": 1}])
    assert first.get_json()["state"] == "partly_dispatched"
    early = confirm(member, found)
    assert (early.status_code, early.get_json()["code"]) == (409, "wrong_state")
    assert (
        dispatch(supplier, found, tracking_no="SF0000000000002").get_json()["state"] == "dispatched"
    )
    parcels = member.get(f"{path}/shipments").get_json()["items"]
    assert [each["tracking_no"] for each in parcels] == ["SF1234567890123", "SF0000000000002"]
    for _ in range(2):
        assert confirm(member, found).get_json()["state"] == "delivered"
    assert member.get(path).get_json()["state"] == "completed"
    audited()


def test_the_same_key_sends_one_parcel(world, part, audited):
    member, supplier, found, path = part
    key, items = secrets.token_hex(8), [{"line_id": found["lines"][0]["id"], "quantity": 1}]
    first = dispatch(supplier, found, key, items=items)
    assert dispatch(supplier, found, key, items=items).data == first.data
    assert len(member.get(f"{path}/shipments").get_json()["items"]) == 1
    audited()


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"carrier": "pigeon"}, "validation_failed", "carrier"),
        ({"tracking_no": None}, "tracking_number_unlike", "tracking_no"),
        ({"tracking_no": "a b"}, "tracking_number_unlike", "tracking_no"),
        ({"items": []}, "validation_failed", "items"),
    ],
)
def test_a_bad_parcel_names_its_field_and_sends_nothing(world, part, change, code, field):
    member, supplier, found, path = part
    problem = dispatch(supplier, found, **change).get_json()
    assert (problem["code"], problem["field"]) == (code, field)
    assert member.get(f"{path}/shipments").get_json()["items"] == []


def test_more_than_what_is_left_cannot_be_sent(world, part, audited):
    _, supplier, found, _ = part
    line_id = found["lines"][0]["id"]
    reply = dispatch(supplier, found, items=[{"line_id": line_id, "quantity": 4}])
    assert (reply.status_code, reply.get_json()["code"]) == (422, "too_many_dispatched")
    twice = [{"line_id": line_id, "quantity": 2}] * 2
    assert dispatch(supplier, found, items=twice).get_json()["code"] == "too_many_dispatched"
    assert dispatch(supplier, found).status_code == 201
    again = dispatch(supplier, found)
    assert (again.status_code, again.get_json()["code"]) == (409, "wrong_state")
    audited()


def test_silence_confirms_after_ten_days_and_no_sooner(world, part, audited):
    """Case 38, as far as it exists."""
    member, supplier, found, path = part
    dispatch(supplier, found)
    clock.freeze(clock.now() + timedelta(days=9, hours=23))
    assert run_sweep(world, "confirm_silent_deliveries") == 0
    clock.freeze(clock.now() + timedelta(hours=2))
    assert run_sweep(world, "confirm_silent_deliveries") == 1
    read = member.get(path).get_json()
    assert (read["state"], read["history"][-1]["actor"]) == ("completed", "system")
    assert run_sweep(world, "confirm_silent_deliveries") == 0
    audited()


def test_an_order_is_completed_only_when_every_part_is_delivered(world, audited):
    member, suppliers = new_member(world, beans_fen=10_000), [new_supplier(world) for _ in range(2)]
    skus = [new_sku(world, 1000, 5, each)[1] for each in suppliers]
    order = member.post("/v1/store/orders", order_body(skus, "beans", 2000)).get_json()
    run_outbox(world)
    path = f"/v1/store/orders/{order['order_id']}"
    for number, found in enumerate(
        member.get(f"{path}/fulfillment-orders").get_json()["items"], start=1
    ):
        supplier_id = next(each for each in suppliers if str(each) == found["supplier_id"])
        dispatch(new_staff(world, "supplier", supplier_id), found)
        confirm(member, found)
        assert member.get(path).get_json()["state"] == ("paid" if number == 1 else "completed")
    audited()


def test_nobody_but_its_supplier_and_member_sees_a_part(world, part):
    """Case 39."""
    member, _, found, _ = part
    stranger, rival = new_member(world), new_staff(world, "supplier", new_supplier(world))
    assert confirm(stranger, found).status_code == 404
    assert rival.get(f"/v1/supplier/fulfillment-orders/{found['id']}").status_code == 404
    assert dispatch(rival, found).status_code == 404
    assert rival.get("/v1/supplier/fulfillment-orders").get_json()["items"] == []
    assert confirm(member, found).get_json()["code"] == "wrong_state"


def test_lists_mask_whom_it_is_for_and_the_label_does_not(world, part):
    """Case 41."""
    _, supplier, found, _ = part
    [listed] = supplier.get("/v1/supplier/fulfillment-orders").get_json()["items"]
    assert listed["address"] == {
        "recipient": "陈**",
        "phone": "138****0001",
        "region_code": "440802",
        "region": "广东省湛江市赤坎区",
        "detail": "***",
    }
    whole = supplier.get(f"/v1/supplier/fulfillment-orders/{found['id']}").get_json()
    assert whole["address"]["phone"] == "13800000001"


def test_a_changed_address_does_not_move_what_is_ordered(world, part):
    """Case 37, as far as it exists."""
    member, supplier, found, _ = part
    address = member.get("/v1/store/addresses").get_json()["items"][0]
    body = {"recipient": "别人", "phone": "13900000009", "region_code": "440803", "detail": "x"}
    assert member.put(f"/v1/store/addresses/{address['id']}", body).status_code == 200
    whole = supplier.get(f"/v1/supplier/fulfillment-orders/{found['id']}").get_json()
    assert whole["address"]["recipient"] == "陈小湛"


def test_a_suspended_supplier_still_ships_what_is_open(world, part, audited):
    """Case 28, as far as it exists."""
    _, supplier, found, _ = part
    path = f"/v1/ops/suppliers/{found['supplier_id']}/state"
    new_staff(world, "operator").put(path, {"state": "suspended"})
    assert dispatch(supplier, found).status_code == 201
    audited()


def test_a_number_that_goes_to_somebody_else_is_refused_unless_it_is_said_to_be_shared(world):
    """Three members' orders under one number, without a word, were a slip of a sheet."""
    supplier_id = new_supplier(world)
    supplier = new_staff(world, "supplier", supplier_id)
    _, sku = new_sku(world, 1000, 9, supplier_id)

    def part(member):
        order = member.post("/v1/store/orders", order_body([sku], total_fen=1000)).get_json()
        run_outbox(world)
        path = f"/v1/store/orders/{order['order_id']}/fulfillment-orders"
        return member.get(path).get_json()["items"][0]

    first, second = new_member(world, beans_fen=2000), new_member(world, beans_fen=2000)
    own = part(first)
    send = f"/v1/supplier/fulfillment-orders/{own['id']}/shipments"
    assert supplier.post(send, PARCEL).status_code == 201
    # Another order of the same member to the same address may travel along.
    again = part(first)
    send = f"/v1/supplier/fulfillment-orders/{again['id']}/shipments"
    assert supplier.post(send, PARCEL).status_code == 201
    others = part(second)
    send = f"/v1/supplier/fulfillment-orders/{others['id']}/shipments"
    refused = supplier.post(send, PARCEL)
    assert (refused.status_code, refused.get_json()["code"]) == (409, "tracking_number_used")
    assert refused.get_json()["number"] == own["number"]
    assert supplier.post(send, {**PARCEL, "is_shared": True}).status_code == 201
    # Nor does a correction move it there.
    third = part(new_member(world, beans_fen=1000))
    send = f"/v1/supplier/fulfillment-orders/{third['id']}/shipments"
    supplier.post(send, {**PARCEL, "tracking_no": "SF9876543210123"})
    [row] = select_rows(world, "SELECT id FROM shipment WHERE tracking_no = 'SF9876543210123'")
    corrected = supplier.put(f"/v1/supplier/shipments/{row.id}", PARCEL)
    assert corrected.get_json()["code"] == "tracking_number_used"
