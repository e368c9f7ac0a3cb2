"""A union accepts what came, and files the purchase."""

from datetime import timedelta

import pytest

from fulfillment.dispatch import jobs as dispatch_jobs
from mall.kernel import clock
from tests.support.database import select_rows
from tests.support.giving import ADDRESS
from tests.support.people import new_staff, order_body
from tests.support.shop import new_sku


@pytest.fixture
def purchase(union):
    """A fixed pack of two suppliers for three people, ordered for the unit."""
    programme_id = union.issued(**union.for_unit(union.people(3, members_too=False)))
    return f"/v1/union/programmes/{programme_id}"


def close(union, path):
    reply = union.approver.post(f"{path}/close", {"reason": "已全部发放"})
    assert reply.status_code == 202, reply.get_json()
    union.run()
    assert union.handler.get(path).get_json()["state"] == "closed"


def test_a_purchase_for_the_unit_is_sent_accepted_and_filed(union, purchase, audited, world):
    close(union, purchase)
    early = union.acceptor.post(f"{purchase}/accept", {}).get_json()
    assert (early["code"], "1" in early["detail"]) == ("not_arrived", True)
    supplier = new_staff(world, "supplier", union.supplier_id)
    [part] = union.handler.get(f"{purchase}/deliveries").get_json()["items"]
    path = f"/v1/supplier/fulfillment-orders/{part['id']}"
    assert supplier.get(path).get_json()["address"]["detail"] == ADDRESS["detail"]
    parcel = {"carrier": "self", "tracking_no": None}
    assert supplier.post(f"{path}/shipments", parcel).status_code == 201
    reply = union.acceptor.post(f"{purchase}/accept", {"note": "实收 3 份，完好"})
    assert (reply.status_code, reply.get_json()["state"]) == (200, "accepted")
    [order] = select_rows(world, "SELECT state FROM shop_order")
    assert order.state == "completed"
    found = union.handler.get(f"{purchase}/recipients").get_json()["items"]
    assert {each["state"] for each in found} == {"redeemed"}
    history = union.handler.get(f"{purchase}/history").get_json()["events"]
    assert (history[-1]["act"], history[-1]["note"]) == ("accepted", "实收 3 份，完好")
    again = union.acceptor.post(f"{purchase}/accept", {})
    assert (again.status_code, again.get_json()["code"]) == (409, "wrong_state")
    assert union.handler.post(f"{purchase}/archive", {}).get_json()["code"] == "duty_missing"
    filed = union.auditor.post(f"{purchase}/archive", {"note": "资料齐全"})
    assert (filed.status_code, filed.get_json()["state"]) == (200, "archived")
    audited()


def test_silence_does_not_accept_what_goes_to_a_unit(union, purchase, audited, world):
    supplier = new_staff(world, "supplier", union.supplier_id)
    [part] = union.handler.get(f"{purchase}/deliveries").get_json()["items"]
    path = f"/v1/supplier/fulfillment-orders/{part['id']}"
    sent = supplier.post(f"{path}/shipments", {"carrier": "self", "tracking_no": None})
    assert sent.status_code == 201
    clock.freeze(clock.now() + timedelta(days=400))
    with world.app.app_context():
        assert dispatch_jobs.confirm_silent_deliveries() == 0
    [part] = select_rows(world, "SELECT state, confirm_by FROM fulfillment_order")
    assert (part.state, part.confirm_by) == ("dispatched", None)
    clock.freeze(None)
    audited()


def test_a_fund_that_holds_money_is_not_filed(union, audited):
    packs = [union.pack(30_000)[0] for _ in range(2)]
    rows = union.people(2)
    programme_id = union.issued(roster_id=union.roster(rows), pack_ids=packs)
    path = f"/v1/union/programmes/{programme_id}"
    person = union.members[rows[0][1]]
    assert union.redeem(person, programme_id, packs[0]).status_code == 201
    union.run()
    close(union, path)
    assert union.acceptor.post(f"{path}/accept", {}).get_json()["code"] == "not_arrived"
    order_id = union.right_of(person, programme_id)["order_id"]
    [part] = person.get(f"/v1/store/orders/{order_id}/fulfillment-orders").get_json()["items"]
    supplier = new_staff(union.world, "supplier", union.supplier_id)
    parcel = {"carrier": "self", "tracking_no": None}
    supplier.post(f"/v1/supplier/fulfillment-orders/{part['id']}/shipments", parcel)
    # One's own parcel is confirmed by oneself, not by the union.
    assert union.acceptor.post(f"{path}/accept", {}).get_json()["code"] == "not_arrived"
    person.post(f"/v1/store/fulfillment-orders/{part['id']}/confirm")
    assert union.acceptor.post(f"{path}/accept", {}).status_code == 200
    refused = union.auditor.post(f"{path}/archive", {})
    assert refused.get_json()["code"] == "fund_not_empty"
    assert union.pay_out(programme_id, amount_fen=30_000).status_code == 200
    assert union.auditor.post(f"{path}/archive", {}).status_code == 200
    audited()


def test_beans_that_an_unpaid_order_held_keep_the_books_open(union, audited, world):
    rows = union.people(1)
    programme_id = union.issued(kind="open", allows_top_up=True, roster_id=union.roster(rows))
    path = f"/v1/union/programmes/{programme_id}"
    person = union.members[rows[0][1]]
    _, sku = new_sku(world, 40_000)
    order = person.post("/v1/store/orders", order_body([sku], "mixed", 40_000)).get_json()
    assert (order["beans_fen"], order["wechat_fen"]) == (30_000, 10_000)
    close(union, path)
    assert union.acceptor.post(f"{path}/accept", {}).status_code == 200
    refused = union.auditor.post(f"{path}/archive", {}).get_json()
    assert (refused["code"], refused["out_fen"]) == ("value_still_out", 30_000)
    assert person.post(f"/v1/store/orders/{order['order_id']}/cancel").status_code == 200
    # The programme is over: what the order held is the union's at once.
    assert union.auditor.post(f"{path}/archive", {}).get_json()["code"] == "fund_not_empty"
    audited()
