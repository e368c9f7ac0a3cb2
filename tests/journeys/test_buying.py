"""A member buys: with beans, with WeChat, with both."""

from tests.support.people import new_member, new_staff, order_body
from tests.support.shop import new_sku, new_supplier, stock_of
from tests.support.wechat import ask_mock
from tests.support.working import run_outbox


def notice_of(world, payment, **tampered):
    body = {"out_trade_no": payment["out_trade_no"], **tampered}
    return ask_mock(world, "notice", body)["body"].encode()


def test_beans_alone_pay_at_once_and_the_order_is_fulfilled(world, audited):
    member = new_member(world, beans_fen=5000)
    supplier_id = new_supplier(world)
    _, sku = new_sku(world, 1000, 3, supplier_id)
    placed = member.post("/v1/store/orders", order_body([sku], "beans", 1000))
    assert placed.status_code == 201
    order = placed.get_json()
    assert (order["state"], order["beans_fen"], order["wechat_fen"]) == ("paid", 1000, 0)
    assert stock_of(world, sku) == (2, 0)
    run_outbox(world)

    supplier = new_staff(world, "supplier", supplier_id)
    [part] = supplier.get("/v1/supplier/fulfillment-orders").get_json()["items"]
    assert part["address"]["phone"] == "138****0001"
    parcel = {"carrier": "sf", "tracking_no": "SF1234567890123"}
    path = f"/v1/supplier/fulfillment-orders/{part['id']}/shipments"
    assert supplier.post(path, parcel).get_json()["state"] == "dispatched"
    confirmed = member.post(f"/v1/store/fulfillment-orders/{part['id']}/confirm")
    assert confirmed.get_json()["state"] == "delivered"
    read = member.get(f"/v1/store/orders/{order['order_id']}").get_json()
    assert read["state"] == "completed"
    assert [e["to_state"] for e in read["history"]] == ["awaiting_payment", "paid", "completed"]
    audited()


def test_beans_first_and_the_last_fen_by_wechat(world, audited):
    member = new_member(world, beans_fen=999)
    _, sku = new_sku(world, 1000)
    order = member.post("/v1/store/orders", order_body([sku], "mixed", 1000)).get_json()
    assert (order["state"], order["beans_fen"], order["wechat_fen"]) == ("awaiting_payment", 999, 1)
    assert member.get("/v1/store/beans").get_json()["held_fen"] == 999
    path = f"/v1/store/orders/{order['order_id']}"
    payment = member.post(f"{path}/payments", {"trade_type": "JSAPI"}).get_json()
    assert payment["amount_fen"] == 1
    notice = notice_of(world, payment)
    for _ in range(2):
        reply = member.client.post("/v1/webhooks/wechat/pay", data=notice)
        assert b"SUCCESS" in reply.data
    assert member.get(path).get_json()["state"] == "paid"
    purse = member.get("/v1/store/beans").get_json()
    assert (purse["balance_fen"], purse["held_fen"]) == (0, 0)
    audited()
