"""Two wishes for one order at the same instant: one of them is granted, whole."""

from datetime import timedelta

import pytest

from mall.kernel import clock
from tests.support.database import count_rows, select_rows
from tests.support.people import at_once, login_again, new_member, new_staff, order_body
from tests.support.selling import Counter, Sale
from tests.support.shop import new_sku, new_supplier, stock_of
from tests.support.wechat import due_queries_now, mock_status, pay_at_wechat
from tests.support.working import run_outbox, run_sweep


@pytest.fixture
def paid(world):
    """An order paid by beans and WeChat and split; its member, part and supplier."""
    supplier_id = new_supplier(world)
    _, sku = new_sku(world, 2500, 10, supplier_id)
    person = new_member(world, beans_fen=3000)
    order = person.post("/v1/store/orders", order_body([sku], "mixed", 5000, 2)).get_json()
    path = f"/v1/store/orders/{order['order_id']}"
    pay_at_wechat(world, person.post(f"{path}/payments", {}).get_json())
    run_outbox(world)
    [part] = person.get(f"{path}/fulfillment-orders").get_json()["items"]
    return person, path, part, new_staff(world, "supplier", supplier_id), sku


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
    run_outbox(world)
    [order] = select_rows(world, "SELECT state FROM shop_order")
    assert order.state == ("cancelled" if cancelled == 200 else "paid")
    assert count_rows(world, "refund") == (cancelled == 200)
    assert stock_of(world, sku) == (10 if cancelled == 200 else 8, 0)
    audited()


def test_cancelling_on_eight_phones_refunds_once(world, paid, audited):
    person, path, *_, sku = paid
    phones = [login_again(world, person) for _ in range(8)]
    codes = at_once(*(lambda p=p: p.post(f"{path}/cancel").status_code for p in phones))
    assert set(codes) == {200}
    assert (count_rows(world, "refund"), stock_of(world, sku)) == (1, (10, 0))
    assert person.get("/v1/store/beans").get_json()["balance_fen"] == 3000
    run_outbox(world)
    audited()


def test_cancelling_against_paying_keeps_either_the_order_or_nothing(world, audited):
    _, sku = new_sku(world, 2000, 5)
    person = new_member(world)
    order = person.post("/v1/store/orders", order_body([sku], "wechat", 2000)).get_json()
    path = f"/v1/store/orders/{order['order_id']}"
    payment = person.post(f"{path}/payments", {}).get_json()
    cancelled, _ = at_once(
        lambda: person.post(f"{path}/cancel"),
        lambda: mock_status(
            world, "pay", {"out_trade_no": payment["out_trade_no"], "notify": False}
        ),
    )
    due_queries_now(world)
    run_sweep(world, "query_open_payments")
    run_outbox(world)
    [row] = select_rows(world, "SELECT state FROM shop_order")
    # Who paid first has the order, and may cancel it in another call.
    assert row.state == ("cancelled" if cancelled.status_code == 200 else "paid")
    audited()


@pytest.fixture
def delivered(world):
    return Sale(world, quantity=3, price=1000, beans=1500).deliver()


def test_asking_on_six_phones_opens_one_case_for_a_unit(world, delivered, audited):
    sale = delivered
    body = {"line_id": sale.read()["lines"][0]["id"], "kind": "refund_only", "quantity": 2}
    body |= {"reason": "damaged"}
    phones = [login_again(world, sale.member) for _ in range(6)]
    codes = at_once(
        *(lambda p=p: p.post(f"{sale.path}/after-sales", body).status_code for p in phones)
    )
    assert sorted(codes) == [201] + [409] * 5
    audited()


def test_refunding_the_same_case_at_once_gives_back_once(world, delivered, audited):
    sale = delivered
    case = sale.asked(quantity=2)
    clock.freeze(clock.now() + timedelta(hours=49))
    staff = [new_staff(world, "supplier", sale.supplier_id) for _ in range(4)]
    path = f"/v1/supplier/after-sales/{case['id']}/approve"
    codes = at_once(
        *(lambda s=s: s.post(path, {}).status_code for s in staff),
        lambda: run_sweep(world, "decide_by_silence"),
    )
    assert codes[:4].count(200) + codes[4] == 1
    assert count_rows(world, "reimbursement") == 1
    assert sum(sale.read()[f"refunded_{each}_fen"] for each in ("beans", "wechat")) == 2000
    audited()


def test_refunding_different_cases_of_a_line_at_once_never_exceeds_it(world, delivered, audited):
    sale = delivered
    cases = [sale.asked() for _ in range(3)]
    staff = [new_staff(world, "supplier", sale.supplier_id) for _ in cases]
    codes = at_once(
        *(
            lambda s=s, c=c: s.post(f"/v1/supplier/after-sales/{c['id']}/approve", {}).status_code
            for s, c in zip(staff, cases, strict=True)
        )
    )
    assert codes == [200] * 3
    order = sale.read()
    assert (order["refunded_beans_fen"], order["refunded_wechat_fen"]) == (1500, 1500)
    assert (sale.beans(), sale.wechat_back()) == (1500, 1500)
    audited()


@pytest.mark.parametrize("attempt", range(3))
def test_refunding_what_never_left_against_its_dispatch(world, audited, attempt):
    """What was asked back is held: the parcel takes the rest, whoever is faster."""
    sale = Sale(world, quantity=2)
    case = sale.asked(reason="no_longer_wanted")
    acts = [
        lambda: sale.supplier_does(case, "approve").status_code,
        lambda: sale.dispatch().status_code,
    ]
    assert set(at_once(*(acts if attempt % 2 else reversed(acts)))) == {200, 201}
    line = sale.part()["lines"][0]
    assert (line["dispatched_quantity"], line["cancelled_quantity"]) == (1, 1)
    assert sale.part()["state"] == "dispatched"
    audited()


@pytest.mark.parametrize("attempt", range(3))
def test_asking_back_against_the_dispatch_of_the_same_unit(world, audited, attempt):
    sale = Sale(world, quantity=1)
    body = {"line_id": sale.read()["lines"][0]["id"], "kind": "refund_only", "quantity": 1}
    body |= {"reason": "no_longer_wanted"}
    acts = [
        lambda: sale.member.post(f"{sale.path}/after-sales", body),
        lambda: sale.dispatch(),
    ]
    codes = at_once(*(acts if attempt % 2 else reversed(acts)))
    asked, sent = codes if attempt % 2 else reversed(codes)
    assert asked.status_code == 201
    # Either it left first, and the case is about what has left, or it is held and did not leave.
    assert asked.get_json()["is_unsent"] == (sent.status_code != 201)
    audited()


@pytest.mark.parametrize("attempt", range(4))
def test_case_20_refunding_a_voucher_while_the_clerk_redeems_it(world, audited, attempt):
    counter = Counter(world, quantity=1)
    [code] = counter.codes()
    body = {"line_id": counter.read()["lines"][0]["id"], "kind": "refund_only", "quantity": 1}
    body |= {"reason": "no_longer_wanted"}

    def refund():
        asked = counter.member.post(f"{counter.path}/after-sales", body).get_json()
        return counter.supplier_does(asked, "approve").get_json()["refunded_fen"]

    acts = [refund, lambda: counter.redeem(code).status_code]
    codes = at_once(*(acts if attempt % 2 else reversed(acts)))
    refunded, redeemed = codes if attempt % 2 else reversed(codes)
    [voucher] = counter.vouchers()
    # Either the cake was handed out, and the money is about what has left, or it never will be.
    assert refunded == 2500
    assert voucher["state"] == ("redeemed" if redeemed == 200 else "revoked")
    assert stock_of(world, counter.sku) == (9 if redeemed == 200 else 10, 0)
    run_outbox(world)
    audited()


@pytest.mark.parametrize("attempt", range(4))
def test_cancelling_while_the_clerk_redeems(world, audited, attempt):
    counter = Counter(world, quantity=2)
    code = counter.codes()[0]
    acts = [
        lambda: counter.member.post(f"{counter.path}/cancel").status_code,
        lambda: counter.redeem(code).status_code,
    ]
    codes = at_once(*(acts if attempt % 2 else reversed(acts)))
    cancelled, redeemed = codes if attempt % 2 else reversed(codes)
    assert (cancelled, redeemed) in ((200, 409), (409, 200))
    run_outbox(world)
    audited()


def test_one_voucher_at_six_counters_is_redeemed_once(world, audited):
    counter = Counter(world, quantity=2)
    code = counter.codes()[0]
    clerks = [counter.another_clerk() for _ in range(6)]
    codes = at_once(*(lambda c=c: counter.redeem(code, clerk=c).status_code for c in clerks))
    assert sorted(codes) == [200] + [409] * 5
    audited()
