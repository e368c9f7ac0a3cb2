"""Merchants keep stores and clerks; members find the nearest and when it is open."""

from datetime import date, datetime, timedelta

import pytest

from fulfillment.stores import rules as store_rules
from fulfillment.stores.queries import distance_km
from mall.kernel import clock
from tests.support.people import Person, accept_invitation, new_staff
from tests.support.shop import new_sku, new_supplier

ZHANJIANG, GUANGZHOU = (21.2707, 110.3594), (23.1291, 113.2644)
FORM = {
    "name": "寸金店",
    "region_code": "440802",
    "detail": "寸金路 12 号",
    "latitude": 21.2707,
    "longitude": 110.3594,
    "phone": "13800000001",
    "hours": [{"weekday": 1, "opens": "09:00", "closes": "12:30"}],
}
# 2026-11-30 is a Monday; 08:00 in Beijing.
MONDAY = datetime(2026, 11, 30, tzinfo=clock.UTC)


@pytest.fixture
def merchant(world):
    return new_staff(world, "supplier", new_supplier(world))


def opened(merchant, **more):
    reply = merchant.post("/v1/supplier/stores", {**FORM, **more})
    assert reply.status_code == 201, reply.get_json()
    return reply.get_json()


def test_a_store_is_opened_changed_closed_and_shown(world, merchant):
    store = opened(merchant)
    guest = Person(world.app)
    path = f"/v1/store/stores?supplier_id={store['supplier_id']}"
    assert [each["name"] for each in guest.get(path).get_json()["items"]] == ["寸金店"]
    changed = merchant.put(f"/v1/supplier/stores/{store['id']}", {**FORM, "name": "新店"})
    assert changed.get_json()["name"] == "新店"
    assert merchant.get("/v1/supplier/stores").get_json()["items"] == [changed.get_json()]
    closed = merchant.put(f"/v1/supplier/stores/{store['id']}/active", {"is_active": False})
    assert closed.get_json()["is_active"] is False
    assert guest.get(path).get_json()["items"] == []
    refused = guest.get(f"/v1/store/stores/{store['id']}/slots").get_json()
    assert refused["code"] == "store_closed"


def test_another_merchants_store_is_as_unknown_as_none(world, merchant):
    store = opened(merchant)
    other = new_staff(world, "supplier", new_supplier(world))
    assert other.put(f"/v1/supplier/stores/{store['id']}", FORM).status_code == 404
    assert other.get(f"/v1/supplier/stores/{store['id']}/clerks").status_code == 404
    clerk = {"username": "someone-else"}
    assert other.post(f"/v1/supplier/stores/{store['id']}/clerks", clerk).status_code == 404
    body = {"is_active": False}
    assert other.put(f"/v1/supplier/stores/{store['id']}/active", body).status_code == 404


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"hours": [{"weekday": 1, "opens": "12:00", "closes": "09:00"}]}, "hours"),
        (
            {
                "hours": [
                    {"weekday": 1, "opens": "09:00", "closes": "12:00"},
                    {"weekday": 1, "opens": "11:00", "closes": "14:00"},
                ]
            },
            "hours",
        ),
        ({"hours": [{"weekday": 8, "opens": "09:00", "closes": "12:00"}]}, "hours.0.weekday"),
        ({"latitude": 91}, "latitude"),
        ({"phone": "12"}, "phone"),
        ({"region_code": "999999"}, "region_code"),
        ({"daily_capacity": 0}, "daily_capacity"),
        ({"product_ids": ["019a3c5e-0000-7000-8000-000000000001"]}, "product_ids"),
    ],
)
def test_what_makes_no_sense_is_refused_and_nothing_kept(merchant, change, field):
    reply = merchant.post("/v1/supplier/stores", {**FORM, **change})
    assert reply.status_code == (404 if field == "region_code" else 422)
    assert reply.get_json()["field"] == field
    assert merchant.get("/v1/supplier/stores").get_json()["items"] == []


def test_a_clerk_signs_in_for_the_store_and_is_closed(world, merchant):
    store = opened(merchant)
    path = f"/v1/supplier/stores/{store['id']}/clerks"
    who = {"username": "cunjin-01"}
    clerk = merchant.post(path, {**who, "is_manager": True}).get_json()
    assert clerk["duties"] == ["manages"]
    assert merchant.post(path, who).get_json()["code"] == "username_taken"
    token = accept_invitation(world, "pickup", "cunjin-01", clerk["invitation"]).token
    assert Person(world.app, token).get("/v1/pickup/day").get_json() == {"items": []}
    assert [each["username"] for each in merchant.get(path).get_json()["items"]] == ["cunjin-01"]
    assert merchant.delete(f"{path}/{clerk['id']}").status_code == 204
    assert Person(world.app, token).get("/v1/pickup/day").status_code == 401


def test_the_nearest_store_comes_first(world, merchant):
    supplier_id = opened(merchant, name="近")["supplier_id"]
    opened(merchant, name="远", latitude=GUANGZHOU[0], longitude=GUANGZHOU[1])
    opened(merchant, name="中", latitude=21.6110, longitude=110.2840)
    where = f"latitude={ZHANJIANG[0]}&longitude={ZHANJIANG[1]}"
    path = f"/v1/store/stores?supplier_id={supplier_id}&{where}"
    found = Person(world.app).get(path).get_json()["items"]
    assert [each["name"] for each in found] == ["近", "中", "远"]
    assert [each["distance_km"] for each in found] == pytest.approx([0, 38.6, 364.5], abs=1)
    two = Person(world.app).get(f"{path}&limit=2").get_json()
    assert ([each["name"] for each in two["items"]], two["next_cursor"]) == (["近", "中"], None)
    half = Person(world.app).get(f"/v1/store/stores?latitude={ZHANJIANG[0]}")
    assert (half.status_code, half.get_json()["field"]) == (422, "longitude")


def test_a_distance_is_what_the_globe_says():
    assert distance_km(ZHANJIANG, ZHANJIANG) == 0
    assert distance_km(ZHANJIANG, GUANGZHOU) == pytest.approx(364.5, abs=1)
    assert distance_km((0, 0), (0, 180)) == pytest.approx(20015, abs=1)


def test_only_stores_that_hand_the_product_out_are_found(world, merchant):
    everything = opened(merchant, name="全部")
    product, _ = new_sku(
        world, 1000, 5, everything["supplier_id"], delivery_modes=("store_pickup",)
    )
    other, _ = new_sku(world, 1000, 5, everything["supplier_id"], delivery_modes=("store_pickup",))
    opened(merchant, name="只有它", product_ids=[str(product)])
    guest = Person(world.app)

    def names(product_id):
        found = guest.get(f"/v1/store/stores?product_id={product_id}").get_json()["items"]
        return [each["name"] for each in found if each["supplier_id"] == everything["supplier_id"]]

    assert names(product) == ["全部", "只有它"]
    assert names(other) == ["全部"]


def test_times_are_those_of_the_hours_beyond_the_lead_time(world, merchant):
    store = opened(merchant, slot_minutes=60, lead_hours=3, daily_capacity=5)
    clock.freeze(MONDAY)
    path = f"/v1/store/stores/{store['id']}/slots"
    found = Person(world.app).get(f"{path}?days=8").get_json()["items"]
    # 09:00 and 10:00 are within three hours of 08:00; the half hour at the end is none.
    assert [each["starts_at"] for each in found] == [
        "2026-11-30T11:00:00+08:00",
        *(f"2026-12-07T{hour}:00:00+08:00" for hour in ("09", "10", "11")),
    ]
    assert {each["left"] for each in found} == {5}
    merchant.put(f"/v1/supplier/stores/{store['id']}", {**FORM, "closed_on": ["2026-11-30"]})
    found = Person(world.app).get(f"{path}?days=1").get_json()["items"]
    assert found == []


def test_no_time_is_given_far_ahead(world, merchant):
    store = opened(merchant)
    day = clock.beijing_day(clock.now()) + timedelta(days=store_rules.MAX_DAYS_AHEAD + 1)
    path = f"/v1/store/stores/{store['id']}/slots?first={day}&days=31"
    assert Person(world.app).get(path).get_json()["items"] == []


def test_slots_of_a_split_day_are_in_order():
    rows = [
        {"weekday": 2, "opens": "14:00", "closes": "16:00"},
        {"weekday": 2, "opens": "09:00", "closes": "11:00"},
        {"weekday": 3, "opens": "09:00", "closes": "11:00"},
    ]
    found = store_rules.slots(rows, [], date(2026, 12, 1), 60)
    assert [f"{slot.starts_at:%H:%M}" for slot in found] == ["09:00", "10:00", "14:00", "15:00"]


@pytest.mark.parametrize("name", ["寸金店", " 寸金店", "寸金 店", "寸金\u200b店", "寸金店\u3000"])
def test_two_stores_of_one_merchant_have_two_names(world, merchant, name):
    first = opened(merchant)
    refused = merchant.post("/v1/supplier/stores", {**FORM, "name": name})
    assert (refused.status_code, refused.get_json()["code"]) == (409, "store_name_taken")
    other = opened(merchant, name="另一店")
    path = f"/v1/supplier/stores/{other['id']}"
    assert merchant.put(path, {**FORM, "name": name}).get_json()["code"] == "store_name_taken"
    # One's own name may be written otherwise, and another merchant's is no matter.
    assert (
        merchant.put(f"/v1/supplier/stores/{first['id']}", {**FORM, "name": name}).status_code
        == 200
    )
    opened(new_staff(world, "supplier", new_supplier(world)), name=name)
