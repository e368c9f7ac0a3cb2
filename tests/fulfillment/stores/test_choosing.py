"""A member chooses store and time; a day takes so much and no more."""

from datetime import UTC, datetime, timedelta

import pytest

from mall.kernel import clock
from tests.races.test_last_units import together
from tests.support.people import new_member, order_body
from tests.support.selling import Counter
from tests.support.shop import new_sku, new_store, new_supplier, set_stock
from tests.support.working import run_outbox

# A Monday, 08:00 in Beijing.
NOW = datetime(2026, 11, 30, tzinfo=UTC)
TOMORROW = "2026-12-01T09:00:00+08:00"


@pytest.fixture
def counter(world):
    clock.freeze(NOW)
    return Counter(world, quantity=2, lead_hours=12, daily_capacity=5)


def choose(counter, store_id=None, starts_at=TOMORROW, member=None, path=None):
    body = {"choices": [{"store_id": str(store_id or counter.store_id), "starts_at": starts_at}]}
    return (member or counter.member).put(f"{path or counter.path}/pickup", body)


def slots(counter):
    found = counter.member.get(f"/v1/store/stores/{counter.store_id}/slots").get_json()["items"]
    return {each["starts_at"]: each["left"] for each in found}


def another_order(counter, member=None, quantity=2):
    """Place another order of the same cakes; return its path and who placed it."""
    member = member or new_member(counter.world, beans_fen=100_000)
    body = order_body([counter.sku], "beans", 2500 * quantity, quantity)
    order = member.post("/v1/store/orders", body).get_json()
    return f"/v1/store/orders/{order['order_id']}", member


def test_store_and_time_are_chosen_shown_and_counted(counter, audited):
    assert slots(counter)[TOMORROW] == 5
    [chosen] = choose(counter).get_json()["items"]
    assert (chosen["store"]["id"], chosen["units"]) == (str(counter.store_id), 2)
    assert chosen["slot_starts"] == "2026-12-01T01:00:00+00:00"
    assert slots(counter)[TOMORROW] == 3
    assert counter.member.get(f"{counter.path}/pickup").get_json()["items"] == [chosen]
    assert counter.vouchers()[0]["pickup"]["store"]["id"] == str(counter.store_id)
    day = counter.clerk.get("/v1/pickup/day?day=2026-12-01").get_json()["items"]
    assert [(each["order_no"], each["lines"][0]["quantity"]) for each in day] == [
        (counter.order["order_no"], 2)
    ]
    audited()


def test_it_is_chosen_before_it_is_paid(world, counter, audited):
    body = {**order_body([counter.sku], "wechat", 2500), "quoted_total_fen": 2500}
    order = counter.member.post("/v1/store/orders", body).get_json()
    assert order["state"] == "awaiting_payment"
    path = f"/v1/store/orders/{order['order_id']}"
    assert choose(counter, path=path).status_code == 200
    assert slots(counter)[TOMORROW] == 4
    # What is never paid holds no place.
    assert counter.member.post(f"{path}/cancel").status_code == 200
    assert slots(counter)[TOMORROW] == 5
    assert choose(counter, path=path).get_json()["code"] == "wrong_state"
    audited()


def test_a_cancelled_order_gives_its_places_back(counter, audited):
    choose(counter)
    assert counter.member.post(f"{counter.path}/cancel").status_code == 200
    assert slots(counter)[TOMORROW] == 5
    run_outbox(counter.world)
    audited()


def test_a_refund_gives_as_many_places_back(counter, audited):
    choose(counter)
    case = counter.asked(quantity=1, reason="no_longer_wanted")
    assert counter.supplier_does(case, "approve").status_code == 200
    assert slots(counter)[TOMORROW] == 4
    audited()


def test_a_full_day_takes_no_more(counter, audited):
    assert choose(counter).status_code == 200
    path, member = another_order(counter)
    assert choose(counter, member=member, path=path).status_code == 200
    path, member = another_order(counter)
    refused = choose(counter, member=member, path=path)
    assert (refused.status_code, refused.get_json()["code"]) == (409, "store_day_full")
    assert "1" in refused.get_json()["detail"]
    # Moving within the day needs no more room than one's own.
    assert choose(counter, starts_at="2026-12-01T11:00:00+08:00").status_code == 200
    audited()


def test_the_last_places_of_a_day_go_to_as_many_as_there_are(world, counter, audited):
    set_stock(world, counter.sku, 50)
    orders = [another_order(counter) for _ in range(6)]
    codes = together(
        6, lambda n: choose(counter, member=orders[n][1], path=orders[n][0]).status_code
    )
    assert sorted(codes) == [200, 200, 409, 409, 409, 409]
    assert slots(counter)[TOMORROW] == 1
    audited()


@pytest.mark.parametrize(
    ("starts_at", "code"),
    [
        ("2026-12-01T09:30:00+08:00", "slot_unknown"),
        ("2026-12-01T22:00:00+08:00", "slot_unknown"),
        ("2026-11-30T13:00:00+08:00", "slot_too_soon"),
        ("2026-11-29T09:00:00+08:00", "slot_too_soon"),
        ("2027-11-29T09:00:00+08:00", "slot_unknown"),
    ],
)
def test_a_time_that_is_none_is_refused(counter, starts_at, code):
    assert choose(counter, starts_at=starts_at).get_json()["code"] == code
    assert counter.member.get(f"{counter.path}/pickup").get_json() == {"items": []}


def test_a_time_without_a_zone_is_refused(counter):
    reply = choose(counter, starts_at="2026-12-01T09:00:00")
    assert (reply.status_code, reply.get_json()["field"]) == (422, "choices.0.starts_at")


def test_what_is_being_prepared_is_changed_no_more(counter):
    assert choose(counter).status_code == 200
    later = "2026-12-02T09:00:00+08:00"
    # 20:59 in Beijing, a minute before the lead time of tomorrow's slot begins.
    clock.freeze(NOW + timedelta(hours=12, minutes=59))
    assert choose(counter, starts_at=later).status_code == 200
    clock.freeze(NOW + timedelta(days=1, hours=13))
    refused = choose(counter, starts_at="2026-12-04T09:00:00+08:00")
    assert (refused.status_code, refused.get_json()["code"]) == (409, "pickup_too_late_to_change")
    # Whoever did not come chooses another day.
    clock.freeze(NOW + timedelta(days=2, hours=4))
    assert choose(counter, starts_at="2026-12-04T09:00:00+08:00").status_code == 200


def test_a_store_hands_out_only_what_it_honours(world, counter):
    other, _ = new_sku(
        world, 1000, 5, counter.supplier_id, title="别的", delivery_modes=("store_pickup",)
    )
    elsewhere = new_store(world, counter.supplier_id, product_ids=[other])
    refused = choose(counter, elsewhere)
    assert (refused.status_code, refused.get_json()["code"]) == (409, "not_honoured")


def test_another_merchants_store_collects_nothing_of_it(world, counter):
    elsewhere = new_store(world, new_supplier(world))
    assert choose(counter, elsewhere).get_json()["code"] == "nothing_to_collect"


def test_nobody_chooses_for_somebody_else(world, counter):
    """Case 39."""
    assert choose(counter, member=new_member(world)).status_code == 404
    assert new_member(world).get(f"{counter.path}/pickup").status_code == 404


def test_all_choices_are_taken_or_none(world, counter):
    elsewhere = new_store(world, new_supplier(world))
    choices = [
        {"store_id": str(counter.store_id), "starts_at": TOMORROW},
        {"store_id": str(elsewhere), "starts_at": TOMORROW},
    ]
    assert counter.member.put(f"{counter.path}/pickup", {"choices": choices}).status_code == 409
    assert counter.member.get(f"{counter.path}/pickup").get_json() == {"items": []}


def test_whoever_chose_a_store_that_moves_is_told_and_keeps_what_was_agreed(counter, audited):
    choose(counter)
    [before] = counter.member.get(f"{counter.path}/pickup").get_json()["items"]
    path = f"/v1/supplier/stores/{counter.store_id}"
    [store] = counter.supplier.get("/v1/supplier/stores").get_json()["items"]
    kept = ("region", "id", "supplier_id", "is_active")
    form = {name: value for name, value in store.items() if name not in kept}
    assert counter.supplier.put(path, form).status_code == 200
    assert counter.supplier.put(path, {**form, "lead_hours": 1}).status_code == 200
    notices = counter.member.get("/v1/store/notices").get_json()["items"]
    assert "store_changed" not in [each["kind"] for each in notices]
    moved = {**form, "name": "搬迁店", "detail": "新路 1 号"}
    assert counter.supplier.put(path, moved).status_code == 200
    [notice, *_] = counter.member.get("/v1/store/notices").get_json()["items"]
    assert notice["kind"] == "store_changed" and "新路 1 号" in notice["text"]
    [after] = counter.member.get(f"{counter.path}/pickup").get_json()["items"]
    assert after["store"] == before["store"]
    choose(counter)
    [after] = counter.member.get(f"{counter.path}/pickup").get_json()["items"]
    assert after["store"]["detail"] == "新路 1 号"
    audited()


def test_whoever_chose_a_store_that_closes_is_told(counter, audited):
    choose(counter)
    path = f"/v1/supplier/stores/{counter.store_id}/active"
    assert counter.supplier.put(path, {"is_active": False}).status_code == 200
    [notice, *_] = counter.member.get("/v1/store/notices").get_json()["items"]
    assert notice["kind"] == "store_closed"
    assert counter.member.get(f"{counter.path}/pickup").get_json() == {"items": []}
    assert counter.redeem(counter.codes()[0]).get_json()["code"] == "store_closed"
    audited()
