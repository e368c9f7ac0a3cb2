"""A paid order is cancelled in one call until a parcel leaves; money goes back the way it came."""

import pytest

from tests.support.database import count_rows, execute_sql, select_rows
from tests.support.giving import Union
from tests.support.people import new_member, new_staff, order_body
from tests.support.shop import new_sku, new_supplier, stock_of
from tests.support.wechat import ask_mock, pay_at_wechat
from tests.support.working import run_outbox, run_sweep


def cancel(person, order):
    return person.post(f"/v1/store/orders/{order['order_id']}/cancel")


def state_of(person, order):
    return person.get(f"/v1/store/orders/{order['order_id']}").get_json()["state"]


@pytest.fixture
def mixed(world):
    """An order of ¥30 by beans and ¥20 by WeChat, paid and split; its member, SKU and supplier."""
    supplier_id = new_supplier(world)
    _, sku = new_sku(world, 2500, 10, supplier_id)
    person = new_member(world, beans_fen=3000)
    order = person.post("/v1/store/orders", order_body([sku], "mixed", 5000, 2)).get_json()
    assert (order["beans_fen"], order["wechat_fen"]) == (3000, 2000)
    payment = person.post(f"/v1/store/orders/{order['order_id']}/payments", {}).get_json()
    assert "SUCCESS" in pay_at_wechat(world, payment)
    run_outbox(world)
    return person, order, sku, new_staff(world, "supplier", supplier_id)


def test_beans_money_and_goods_go_back_where_they_came_from(world, mixed, audited):
    person, order, sku, _ = mixed
    ask_mock(world, "refunds/next", {"state": "PROCESSING"})
    assert cancel(person, order).status_code == 200
    assert person.get("/v1/store/beans").get_json()["balance_fen"] == 3000
    assert stock_of(world, sku) == (10, 0)
    # The money is owed from the very transaction on, and still owed while WeChat works at it.
    audited()
    run_outbox(world)
    run_sweep(world, "send_due_refunds")
    [refund] = select_rows(world, "SELECT * FROM refund")
    assert (refund.purpose, refund.state, refund.amount_fen) == ("cancelled", "accepted", 2000)
    audited()
    ask_mock(world, "refunds/set", {"out_refund_no": refund.out_refund_no, "state": "SUCCESS"})
    execute_sql(world, "UPDATE refund SET try_at = now() - interval '1 second'")
    run_sweep(world, "send_due_refunds")
    [refund] = select_rows(world, "SELECT * FROM refund")
    assert refund.state == "succeeded"
    [part] = select_rows(world, "SELECT state FROM fulfillment_order")
    assert (part.state, state_of(person, order)) == ("cancelled", "cancelled")
    audited()


def test_asked_again_it_is_cancelled_once(world, mixed, audited):
    person, order, *_ = mixed
    assert [cancel(person, order).status_code for _ in range(2)] == [200, 200]
    assert count_rows(world, "refund") == 1
    run_outbox(world)
    audited()


def test_once_a_parcel_has_left_it_is_too_late(world, mixed, audited):
    person, order, _, supplier = mixed
    path = f"/v1/store/orders/{order['order_id']}/fulfillment-orders"
    [part] = person.get(path).get_json()["items"]
    line = part["lines"][0]["id"]
    parcel = {"carrier": "self", "items": [{"line_id": line, "quantity": 1}]}
    supplier.post(f"/v1/supplier/fulfillment-orders/{part['id']}/shipments", parcel)
    late = cancel(person, order)
    assert (late.status_code, late.get_json()["code"]) == (409, "already_dispatched")
    assert state_of(person, order) == "paid"
    assert count_rows(world, "refund") == 0
    audited()


def test_another_members_paid_order_is_unknown(world, mixed):
    _, order, *_ = mixed
    assert cancel(new_member(world), order).status_code == 404


def test_what_redeemed_a_right_is_chosen_anew_instead(world, audited):
    union = Union(world)
    rows = union.people(1)
    packs = [union.pack(30_000)[0] for _ in range(2)]
    programme_id = union.issued(roster_id=union.roster(rows), pack_ids=packs)
    person = union.members[rows[0][1]]
    order = union.redeem(person, programme_id, packs[0]).get_json()
    assert cancel(person, order).get_json()["code"] == "choose_anew"
    union.run()
    audited()


def test_case_18_beans_of_a_programme_that_is_over_go_to_the_union(world, audited):
    union = Union(world)
    rows = union.people(2)
    roster_id, _ = union.roster(rows), world
    programme_id = union.issued(kind="open", allows_top_up=True, roster_id=roster_id)
    paid, held = (union.members[row[1]] for row in rows)
    _, sku = new_sku(world, 20_000)
    _, dear = new_sku(world, 40_000)
    first = paid.post("/v1/store/orders", order_body([sku], "beans", 20_000)).get_json()
    second = held.post("/v1/store/orders", order_body([dear], "mixed", 40_000)).get_json()
    assert (first["state"], second["state"]) == ("paid", "awaiting_payment")
    path = f"/v1/union/programmes/{programme_id}"
    union.approver.post(f"{path}/close", {"reason": "结束"})
    union.run()
    before = union.bill(programme_id)["balance_fen"]
    assert before == 10_000
    assert [cancel(paid, first).status_code, cancel(held, second).status_code] == [200, 200]
    run_outbox(world)
    assert union.bill(programme_id)["balance_fen"] == 60_000
    assert [each.get("/v1/store/beans").get_json()["balance_fen"] for each in (paid, held)] == [
        0,
        0,
    ]
    money = union.auditor.get(f"{path}/dashboard").get_json()["money"]
    assert (money["returned_fen"], money["spent_fen"]) == (60_000, 0)
    audited()


def test_a_refund_that_wechat_cannot_pay_stays_owed(world, mixed, audited):
    person, order, *_ = mixed
    ask_mock(world, "refunds/next", {"state": "CHANGE"})
    assert cancel(person, order).status_code == 200
    run_outbox(world)
    run_sweep(world, "send_due_refunds")
    [refund] = select_rows(world, "SELECT state FROM refund")
    assert refund.state == "failed"
    audited()


def failed(world, person, order, fault):
    """Cancel an order whose refund WeChat does not pay; return the refund as operators see it."""
    ask_mock(world, *fault)
    assert cancel(person, order).status_code == 200
    run_outbox(world)
    run_sweep(world, "send_due_refunds")
    operator = new_staff(world, "operator")
    [refund] = operator.get("/v1/ops/refunds?state=failed").get_json()["items"]
    return operator, refund


REFUSED = ("faults", {"operation": "refund", "kind": "NOTENOUGH"})
ABNORMAL = ("refunds/next", {"state": "CHANGE"})
BY_BANK = {"channel": "bank", "channel_reference": "ICBC1", "note": "账户已注销"}


def test_a_refused_refund_is_told_to_operators_and_asked_again(world, mixed, audited):
    person, order, *_ = mixed
    operator, refund = failed(world, person, order, REFUSED)
    assert "NOTENOUGH" in refund["last_error"]
    kinds = [each["kind"] for each in operator.get("/v1/ops/notices").get_json()["items"]]
    assert "refund_failed" in kinds
    again = operator.post(f"/v1/ops/refunds/{refund['id']}/retry")
    assert (again.status_code, again.get_json()["state"]) == (200, "requested")
    run_sweep(world, "send_due_refunds")
    [shown] = person.get(f"/v1/store/orders/{order['order_id']}/refunds").get_json()["items"]
    assert (shown["state"], shown["amount_fen"]) == ("succeeded", 2000)
    late = operator.post(f"/v1/ops/refunds/{refund['id']}/settle", BY_BANK).get_json()
    assert late["code"] == "wrong_state"
    audited()


def test_what_wechat_cannot_pay_is_settled_by_another_channel_once(world, mixed, audited):
    person, order, *_ = mixed
    operator, refund = failed(world, person, order, ABNORMAL)
    path = f"/v1/ops/refunds/{refund['id']}"
    assert operator.post(f"{path}/retry").get_json()["code"] == "refund_stands"
    wrong = operator.post(f"{path}/settle", {"channel": "pigeon", "channel_reference": "1"})
    assert wrong.status_code == 422
    once = operator.post(f"{path}/settle", BY_BANK, key="k1")
    again = operator.post(f"{path}/settle", BY_BANK, key="k1")
    assert (once.status_code, again.data) == (200, once.data)
    assert once.get_json()["settled_by"] == f"ops:{operator.id}"
    other = operator.post(f"{path}/settle", BY_BANK, key="k2").get_json()
    assert other["code"] == "wrong_state"
    [shown] = person.get(f"/v1/store/orders/{order['order_id']}/refunds").get_json()["items"]
    assert shown["state"] == "settled"
    accounts = operator.get("/v1/ops/ledger/accounts").get_json()["items"]
    balances = {each["account"]: each["balance_fen"] for each in accounts}
    assert (balances["refunds:elsewhere"], balances.get("wechat:owed", 0)) == (2000, 0)
    audited()


def test_refunds_are_ones_own(world, mixed):
    person, order, *_ = mixed
    cancel(person, order)
    path = f"/v1/store/orders/{order['order_id']}/refunds"
    assert new_member(world).get(path).status_code == 404
    assert (
        new_staff(world, "operator").get("/v1/ops/refunds").get_json()["items"][0]["attempts"] == 0
    )
