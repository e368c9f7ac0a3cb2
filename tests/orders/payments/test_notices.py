"""WeChat's notices: repeated, late, early, forged."""

from datetime import timedelta

import pytest

from mall.kernel import clock
from tests.support.database import count_rows, execute_sql
from tests.support.people import new_member, order_body
from tests.support.shop import new_sku, stock_of
from tests.support.wechat import (
    ask_mock,
    asked_of_wechat,
    collect_by,
    due_queries_now,
    mock_status,
    notice_of,
    notify_mall,
    pay_at_wechat,
    refunds_at_wechat,
)
from tests.support.working import run_outbox, run_sweep


@pytest.fixture
def waiting(world):
    """An order that waits for 1000 fen by WeChat, and its payment."""
    member = new_member(world)
    _, sku = new_sku(world, 1000, 5)
    order = member.post("/v1/store/orders", order_body([sku], "wechat", 1000)).get_json()
    path = f"/v1/store/orders/{order['order_id']}"
    return member, path, member.post(f"{path}/payments", {}).get_json(), sku


def state(member, path):
    return member.get(path).get_json()["state"]


def test_a_notice_pays_the_order_and_its_repeats_change_nothing(world, waiting, audited):
    """Case 11: twice."""
    member, path, payment, sku = waiting
    body = notice_of(world, payment)
    assert [("SUCCESS" in notify_mall(world, body)) for _ in range(3)] == [True] * 3
    assert state(member, path) == "paid"
    assert stock_of(world, sku) == (4, 0)
    audited()


def test_a_notice_signed_with_the_other_sign_type_is_understood(world, waiting, audited):
    """Case 11: the other sign type."""
    member, path, payment, _ = waiting
    assert "SUCCESS" in pay_at_wechat(world, payment, sign_type="HMAC-SHA256")
    assert state(member, path) == "paid"
    audited()


@pytest.mark.parametrize(
    "how",
    [
        {"key": "0" * 32, "apiv3_key": "0" * 32},
        {"drop_signature": True},
        {"total_fee": 1},
        {"total_fee": 999_999},
        {"mch_id": "10000999"},
        {"appid": "wx0000000000000000"},
        {"result_code": "FAIL"},
        {"fee_type": "USD"},
    ],
)
def test_a_forged_or_foreign_notice_changes_nothing(world, waiting, audited, how):
    """Case 11: forged, unsigned, another amount, merchant, app, failure or currency."""
    member, path, payment, sku = waiting
    assert "FAIL" in pay_at_wechat(world, payment, **how)
    assert state(member, path) == "awaiting_payment"
    assert stock_of(world, sku) == (5, 1)
    audited()


def test_a_notice_for_a_payment_we_never_asked_for_changes_nothing(world, waiting, audited):
    """Case 11."""
    member, path, payment, _ = waiting
    notice = notice_of(world, payment)
    execute_sql(world, "UPDATE payment SET out_trade_no = 'P000000QQQQQQQQQQ'")
    assert "FAIL" in notify_mall(world, notice)
    assert state(member, path) == "awaiting_payment"
    audited()


def test_a_notice_at_another_merchants_address_changes_nothing(world, waiting, audited):
    """Case 11: for another merchant."""
    member, path, payment, _ = waiting
    notice = notice_of(world, payment)
    merchants = world.app.extensions["mall_merchants"]
    collect_by(world, "three" if merchants.main == "main" else "main")
    assert "FAIL" in notify_mall(world, notice)
    assert state(member, path) == "awaiting_payment"
    audited()


@pytest.mark.parametrize(
    "body",
    [
        "",
        "not xml",
        "<xml>",
        "<!DOCTYPE x [<!ENTITY a 'b'>]><xml><a>&a;</a></xml>",
        "<xml>" + "<a>1</a>" * 20_000 + "</xml>",
    ],
)
def test_what_is_no_notice_is_refused(world, body):
    """Case 15."""
    assert "FAIL" in notify_mall(world, body)


def test_a_notice_before_our_own_prepay_answer_is_applied(world, audited):
    """Case 11: before our prepay call returned; case 12: the call times out, the order exists."""
    member = new_member(world)
    _, sku = new_sku(world, 1000, 5)
    order = member.post("/v1/store/orders", order_body([sku], "wechat", 1000)).get_json()
    path = f"/v1/store/orders/{order['order_id']}"
    ask_mock(world, "faults", {"operation": "order", "kind": "drop", "times": 2})
    lost = member.post(f"{path}/payments", {})
    assert (lost.status_code, lost.get_json()["code"]) == (503, "payment_gateway_unavailable")
    [asked] = member.get(f"{path}/payments").get_json()["items"]
    assert "SUCCESS" in pay_at_wechat(world, asked)
    assert state(member, path) == "paid"
    audited()


def test_a_lost_prepay_answer_is_asked_for_again_under_the_same_number(world, audited):
    """Case 12."""
    member = new_member(world)
    _, sku = new_sku(world, 1000, 5)
    order = member.post("/v1/store/orders", order_body([sku], "wechat", 1000)).get_json()
    path = f"/v1/store/orders/{order['order_id']}/payments"
    ask_mock(world, "faults", {"operation": "order", "kind": "drop", "times": 2})
    assert member.post(path, {}).status_code == 503
    payment = member.post(path, {}).get_json()
    asked = asked_of_wechat(world, "order")
    assert {call["fields"]["out_trade_no"] for call in asked} == {payment["out_trade_no"]}
    assert len(asked) == 3
    audited()


def test_money_for_an_order_closed_by_timeout_goes_back_by_itself(world, waiting, audited):
    """Case 11: after the order was closed by timeout."""
    member, path, payment, sku = waiting
    clock.freeze(clock.now() + timedelta(minutes=31))
    assert run_sweep(world, "lapse_unpaid_orders") == 1
    assert state(member, path) == "cancelled"
    assert stock_of(world, sku) == (5, 0)
    assert "SUCCESS" in pay_at_wechat(world, payment, force=True)
    assert state(member, path) == "cancelled"
    assert run_outbox(world) == 1
    [told] = member.get("/v1/store/notices").get_json()["items"]
    assert (told["kind"], "10.00" in told["text"]) == ("late_payment", True)
    assert run_sweep(world, "send_due_refunds") == 1
    [refund] = refunds_at_wechat(world)
    assert (refund["out_trade_no"], refund["refund_fen"]) == (payment["out_trade_no"], 1000)
    assert run_sweep(world, "send_due_refunds") == 0
    audited()


def test_a_late_notice_twice_sends_the_money_back_once(world, waiting, audited):
    """Case 11."""
    member, path, payment, _ = waiting
    assert member.post(f"{path}/cancel").status_code == 200
    body = notice_of(world, payment, force=True)
    for _ in range(2):
        assert "SUCCESS" in notify_mall(world, body)
        run_outbox(world)
        run_sweep(world, "send_due_refunds")
    assert len(refunds_at_wechat(world)) == 1
    audited()


def test_money_that_came_twice_by_two_ways_goes_back_once(world, audited):
    """A QR code and the mini-program are both paid: the second payment is sent back."""
    member = new_member(world)
    order = member.post("/v1/store/orders", order_body([new_sku(world, 1000)[1]], "wechat", 1000))
    path = f"/v1/store/orders/{order.get_json()['order_id']}"
    first = member.post(f"{path}/payments", {"trade_type": "JSAPI"}).get_json()
    second = member.post(f"{path}/payments", {"trade_type": "NATIVE"}).get_json()
    assert second["code_url"].startswith("weixin://")
    assert "SUCCESS" in pay_at_wechat(world, first)
    assert "SUCCESS" in pay_at_wechat(world, second)
    run_outbox(world)
    run_sweep(world, "send_due_refunds")
    assert [each["out_trade_no"] for each in refunds_at_wechat(world)] == [second["out_trade_no"]]
    audited()


def test_the_other_way_to_pay_is_closed_once_the_order_is_paid(world, audited):
    member = new_member(world)
    order = member.post("/v1/store/orders", order_body([new_sku(world, 1000)[1]], "wechat", 1000))
    path = f"/v1/store/orders/{order.get_json()['order_id']}"
    first = member.post(f"{path}/payments", {"trade_type": "JSAPI"}).get_json()
    second = member.post(f"{path}/payments", {"trade_type": "NATIVE"}).get_json()
    pay_at_wechat(world, first)
    due_queries_now(world)
    assert run_sweep(world, "query_open_payments") == 1
    refused = mock_status(world, "pay", {"out_trade_no": second["out_trade_no"]})
    assert refused == 409
    audited()


AMOUNTS = [
    9999.9,
    1000.0,
    "1000",
    "1e3",
    "1_000",
    "１０００",
    " 1000",
    True,
    None,
    -1000,
    [],
    {},
    10**30,
]
NUMBERS = [None, "", " ", 42, 4.2, True, [], {}, "4" * 65, "42 00", "订单", "42\n"]


def oddities(world):
    """Return the fields of notices that are signed and yet not well formed, by the API's version."""
    is_v3 = world.app.extensions["mall_merchants"].main != "main"
    # In XML everything is text: what JSON calls a number of its own is just its digits there.
    for value in AMOUNTS:
        if is_v3:
            yield {"amount": {"total": value, "currency": "CNY"}}
        elif str(value) != "1000":
            yield {"total_fee": value}
    for name in ("transaction_id", "out_trade_no"):
        for value in NUMBERS:
            if is_v3 or not isinstance(value, int | float):
                yield {name: value}
    if is_v3:
        yield from ({"amount": value} for value in (None, 1000, "1000", []))


def test_a_signed_notice_that_is_not_well_formed_changes_nothing(world, waiting, audited):
    """A signature says who wrote a message, not that it may be guessed at."""
    member, path, payment, _ = waiting
    for fields in oddities(world):
        assert "FAIL" in pay_at_wechat(world, payment, fields=fields), fields
        assert state(member, path) == "awaiting_payment", fields
    assert count_rows(world, "payment WHERE transaction_id IS NOT NULL") == 0
    assert "SUCCESS" in pay_at_wechat(world, payment)
    audited()
