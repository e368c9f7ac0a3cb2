"""A manager takes a hand-out back; vouchers end, are extended, and go back."""

from datetime import datetime, timedelta

import pytest

from mall.kernel import clock
from tests.support.database import execute_sql, select_rows
from tests.support.people import new_staff, order_body
from tests.support.selling import Counter
from tests.support.shop import new_sku, new_store, new_supplier
from tests.support.working import run_outbox, run_sweep

UNDO = {"reason": "扫错顾客"}


@pytest.fixture
def counter(world):
    return Counter(world)


@pytest.fixture
def manager(counter):
    return counter.another_clerk(duties=["manages"])


def undo(who, voucher_id, body=UNDO):
    return who.post(f"/v1/pickup/vouchers/{voucher_id}/undo", body)


def used(counter):
    return counter.redeem(counter.codes()[0]).get_json()["id"]


def test_the_manager_takes_a_hand_out_back_and_it_is_used_again(world, counter, manager, audited):
    voucher_id = used(counter)
    assert undo(counter.clerk, voucher_id).get_json()["code"] == "duty_missing"
    assert undo(manager, voucher_id, {"reason": ""}).status_code == 422
    done = undo(manager, voucher_id)
    assert (done.status_code, done.get_json()["state"]) == (200, "valid")
    assert counter.part()["state"] == "open"
    audited()
    [row] = select_rows(world, "SELECT history FROM pickup_voucher WHERE history <> '[]'")
    assert (row.history[0]["what"], row.history[0]["note"]) == ("undone", "扫错顾客")
    assert row.history[0]["redeemed_by"] == f"pickup:{counter.clerk.id}"
    assert undo(manager, voucher_id).status_code == 404
    assert len(counter.codes()) == 3
    used(counter)
    audited()


def test_the_last_of_an_order_is_taken_back_too(counter, manager, audited):
    ids = [used(counter) for _ in range(3)]
    assert counter.part()["state"] == "dispatched"
    assert undo(manager, ids[2]).status_code == 200
    assert counter.part()["state"] == "partly_dispatched"
    assert counter.read()["state"] == "paid"
    audited()


def test_after_ten_minutes_it_stays_handed_out(counter, manager, audited):
    voucher_id = used(counter)
    clock.shift(timedelta(minutes=10, seconds=1))
    assert undo(manager, voucher_id).get_json()["code"] == "undo_too_late"
    audited()


def test_what_the_member_confirmed_stays_handed_out(counter, manager, audited):
    ids = [used(counter) for _ in range(3)]
    confirm = f"/v1/store/fulfillment-orders/{counter.part()['id']}/confirm"
    assert counter.member.post(confirm).status_code == 200
    assert undo(manager, ids[0]).get_json()["code"] == "undo_too_late"
    audited()


def test_another_stores_manager_cannot(world, counter):
    elsewhere = counter.another_clerk(new_store(world, counter.supplier_id), duties=["manages"])
    assert undo(elsewhere, used(counter)).status_code == 404


# Ends


def end(world, **when):
    """Let every voucher end so long from now."""
    ends = clock.now() + timedelta(**when)
    execute_sql(world, "UPDATE pickup_voucher SET expires_at = :ends", ends=ends)
    return ends


def test_a_member_is_told_once_a_week_before_the_end(world, counter):
    assert run_sweep(world, "remind_expiring") == 0
    end(world, days=6)
    assert run_sweep(world, "remind_expiring") == 3
    assert run_sweep(world, "remind_expiring") == 0
    told = counter.member.get("/v1/store/notices").get_json()["items"]
    assert [each["kind"] for each in told] == ["voucher_expiring"] * 3


def test_what_nobody_collected_goes_back_to_each_tender(world, counter, audited):
    used(counter)
    beans = counter.beans()
    code = counter.codes()[0]
    end(world, seconds=-1)
    assert counter.codes() == []
    assert counter.redeem(code).get_json()["code"] == "voucher_expired"
    assert run_sweep(world, "lapse_vouchers") == 2
    assert run_sweep(world, "lapse_vouchers") == 0
    audited()
    states = sorted(each["state"] for each in counter.vouchers())
    assert states == ["expired", "expired", "redeemed"]
    # Three at ¥25: ¥30 by beans, ¥45 by WeChat; two go back.
    assert counter.beans() - beans + counter.wechat_back() == 5000
    assert counter.part()["state"] == "dispatched"
    execute_sql(world, "UPDATE fulfillment_order SET confirm_by = now()")
    run_sweep(world, "confirm_silent_deliveries")
    assert select_rows(world, "SELECT state FROM shop_order")[0].state in ("paid", "completed")
    audited()


def test_an_order_of_which_nothing_was_collected_is_cancelled(world, counter, audited):
    end(world, seconds=-1)
    assert run_sweep(world, "lapse_vouchers") == 3
    assert counter.read()["state"] == "cancelled"
    assert counter.part()["state"] == "cancelled"
    run_outbox(world)
    audited()


def test_while_a_refund_is_asked_for_that_decides(world, counter, audited):
    case = counter.asked(quantity=3, reason="no_longer_wanted")
    end(world, seconds=-1)
    assert run_sweep(world, "lapse_vouchers") == 0
    assert counter.supplier_does(case, "approve").get_json()["state"] == "refunded"
    audited()


def test_an_operator_lets_it_be_used_for_longer(world, counter, audited):
    operator = new_staff(world, "operator")
    path = f"/v1/ops/vouchers?order_no={counter.order['order_no']}"
    voucher = operator.get(path).get_json()["items"][0]
    assert "code" not in voucher
    until = end(world, days=1) + timedelta(days=30)
    extend = f"/v1/ops/vouchers/{voucher['id']}/extend"
    done = operator.post(extend, {"expires_at": until.isoformat(), "note": "门店装修"}).get_json()
    assert datetime.fromisoformat(done["expires_at"]) == until
    assert [each["what"] for each in done["history"]] == ["extended"]
    earlier = {"expires_at": (until - timedelta(days=1)).isoformat(), "note": "误"}
    refused = operator.post(extend, earlier)
    assert (refused.status_code, refused.get_json()["field"]) == (422, "expires_at")
    clock.shift(timedelta(days=2))
    assert run_sweep(world, "lapse_vouchers") == 2
    assert len(counter.codes()) == 1
    assert counter.redeem(counter.codes()[0]).status_code == 200
    gone = operator.get(path).get_json()["items"][-1]
    late = {"expires_at": (until + timedelta(days=9)).isoformat(), "note": "晚了"}
    assert operator.post(f"/v1/ops/vouchers/{gone['id']}/extend", late).status_code == 409
    audited()


@pytest.mark.parametrize("is_closed", [False, True], ids=["running", "closed"])
def test_beans_of_a_programme_follow_its_rules(world, union, audited, is_closed):
    """Back on the lot while the programme runs; in its fund once it was closed."""
    supplier_id = new_supplier(world)
    product, sku = new_sku(world, 5_000, 10, supplier_id, delivery_modes=("store_pickup",))
    body = {"name": "蛋糕", "items": [{"product_id": str(product)}]}
    selection = union.handler.post("/v1/union/selections", body).get_json()["id"]
    rows = union.people(1)
    programme_id = union.issued(
        kind="restricted",
        per_member_fen=5_000,
        selection_id=selection,
        delivery="store_pickup",
        roster_id=union.roster(rows),
    )
    person = union.members[rows[0][1]]
    body = order_body([sku], "beans", 5_000)
    order = person.post("/v1/store/orders", body).get_json()
    run_outbox(world)
    run_outbox(world)
    if is_closed:
        union.due_now(programme_id)
        path = f"/v1/union/programmes/{programme_id}/close"
        assert union.approver.post(path, {"reason": "提前结束"}).status_code == 202
        union.run()
        assert union.read(programme_id)["state"] == "closed"
    path = f"/v1/store/orders/{order['order_id']}/vouchers"
    assert len(person.get(path).get_json()["items"]) == 1
    end(world, seconds=-1)
    assert run_sweep(world, "lapse_vouchers") == 1
    assert person.get("/v1/store/beans").get_json()["balance_fen"] == (0 if is_closed else 5_000)
    audited()


def test_what_ended_unused_gives_its_places_of_the_day_back(world, counter):
    assert counter.choose().status_code == 200
    used(counter)
    [chosen] = select_rows(world, "SELECT units FROM pickup_choice")
    assert chosen.units == 3
    end(world, seconds=-1)
    assert run_sweep(world, "lapse_vouchers") == 2
    [left] = select_rows(world, "SELECT units FROM pickup_choice")
    assert left.units == 1
