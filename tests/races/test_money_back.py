"""Two wishes for one order at the same instant: one of them is granted, whole."""

import pytest

from tests.support.people import at_once, order_body


@pytest.fixture
def paid(world):
    """An order paid by beans and WeChat and split; its member, part and supplier."""
    supplier_id = world.supplier()
    _, sku = world.sku(2500, 10, supplier_id)
    person = world.member(beans_fen=3000)
    order = person.post("/v1/store/orders", order_body([sku], "mixed", 5000, 2)).get_json()
    path = f"/v1/store/orders/{order['order_id']}"
    world.pay(person.post(f"{path}/payments", {}).get_json())
    world.run_outbox()
    [part] = person.get(f"{path}/fulfillment-orders").get_json()["items"]
    return person, path, part, world.staff("supplier", supplier_id), sku


@pytest.mark.parametrize("attempt", range(4))
def test_cancelling_against_the_first_parcel(world, paid, audited, attempt):
    person, path, part, supplier, sku = paid
    send = f"/v1/supplier/fulfillment-orders/{part['id']}/shipments"
    acts = [
        lambda: person.post(f"{path}/cancel").status_code,
        lambda: supplier.post(send, {"carrier": "self"}).status_code,
    ]
    codes = at_once(*(acts if attempt % 2 else reversed(acts)))
    cancelled, sent = codes if attempt % 2 else reversed(codes)
    assert (cancelled, sent) in ((200, 409), (409, 201))
    world.run_outbox()
    [order] = world.rows("SELECT state FROM shop_order")
    assert order.state == ("cancelled" if cancelled == 200 else "paid")
    assert world.count("refund") == (cancelled == 200)
    assert world.stock_of(sku) == (10 if cancelled == 200 else 8, 0)
    audited()


def test_cancelling_on_eight_phones_refunds_once(world, paid, audited):
    person, path, *_, sku = paid
    phones = [world.login_again(person) for _ in range(8)]
    codes = at_once(*(lambda p=p: p.post(f"{path}/cancel").status_code for p in phones))
    assert set(codes) == {200}
    assert (world.count("refund"), world.stock_of(sku)) == (1, (10, 0))
    assert person.get("/v1/store/beans").get_json()["balance_fen"] == 3000
    world.run_outbox()
    audited()


def test_cancelling_against_paying_keeps_either_the_order_or_nothing(world, audited):
    _, sku = world.sku(2000, 5)
    person = world.member()
    order = person.post("/v1/store/orders", order_body([sku], "wechat", 2000)).get_json()
    path = f"/v1/store/orders/{order['order_id']}"
    payment = person.post(f"{path}/payments", {}).get_json()
    cancelled, _ = at_once(
        lambda: person.post(f"{path}/cancel"),
        lambda: world.mock_status(
            "pay", {"out_trade_no": payment["out_trade_no"], "notify": False}
        ),
    )
    world.due_queries_now()
    world.run_sweep("query_open_payments")
    world.run_outbox()
    [row] = world.rows("SELECT state FROM shop_order")
    # Who paid first has the order, and may cancel it in another call.
    assert row.state == ("cancelled" if cancelled.status_code == 200 else "paid")
    audited()
