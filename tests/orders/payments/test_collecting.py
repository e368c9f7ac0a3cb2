"""What no notice tells: queries, closing, time-outs, a silent WeChat, a wrong clock."""

from datetime import timedelta

import pytest

from mall.kernel import clock
from orders.payments import rules as payment_rules
from tests.support.people import new_member, order_body
from tests.support.shop import new_sku, stock_of
from tests.support.wechat import ask_mock, asked_of_wechat, breaker_of, mock_status, pay_at_wechat
from tests.support.working import run_sweep


def order_of(world, member, total=1000, **form):
    _, sku = new_sku(world, total, 5, **form)
    order = member.post("/v1/store/orders", order_body([sku], "wechat", total)).get_json()
    return f"/v1/store/orders/{order['order_id']}", sku


def state(member, path):
    return member.get(path).get_json()["state"]


def test_a_payment_without_any_notice_is_found_by_asking(world, audited):
    """Case 13."""
    member = new_member(world)
    path, _ = order_of(world, member)
    payment = member.post(f"{path}/payments", {}).get_json()
    ask_mock(world, "pay", {"out_trade_no": payment["out_trade_no"], "notify": False})
    assert run_sweep(world, "query_open_payments") == 0
    clock.freeze(clock.now() + timedelta(seconds=11))
    assert run_sweep(world, "query_open_payments") == 1
    assert state(member, path) == "paid"
    audited()


def test_asking_grows_rarer(world):
    delays = [payment_rules.query_delay(attempts).total_seconds() for attempts in range(8)]
    assert delays == [10, 20, 40, 80, 160, 320, 600, 600]


def test_cancelling_closes_at_wechat_first(world, audited):
    member = new_member(world)
    path, sku = order_of(world, member)
    payment = member.post(f"{path}/payments", {}).get_json()
    for _ in range(2):
        assert member.post(f"{path}/cancel").get_json() == {"state": "cancelled"}
    assert mock_status(world, "pay", {"out_trade_no": payment["out_trade_no"]}) == 409
    assert stock_of(world, sku) == (5, 0)
    refused = member.post(f"{path}/payments", {})
    assert (refused.status_code, refused.get_json()["code"]) == (409, "payment_not_needed")
    audited()


def test_cancelling_what_was_paid_a_moment_ago_makes_it_paid(world, audited):
    """Case 12: closing races with paying."""
    member = new_member(world)
    path, _ = order_of(world, member)
    payment = member.post(f"{path}/payments", {}).get_json()
    ask_mock(world, "pay", {"out_trade_no": payment["out_trade_no"], "notify": False})
    reply = member.post(f"{path}/cancel")
    assert (reply.status_code, reply.get_json()["code"]) == (409, "already_paid")
    assert state(member, path) == "paid"
    audited()


def test_cancelling_a_paid_order_closes_what_else_was_begun_for_it(world, audited):
    """Found by the state machine: a second code on the screen, while the first was paid."""
    member = new_member(world)
    path, _ = order_of(world, member)
    first, second = [
        member.post(f"{path}/payments", {"trade_type": each}).get_json()["out_trade_no"]
        for each in ("JSAPI", "NATIVE")
    ]
    ask_mock(world, "pay", {"out_trade_no": first, "notify": False})
    assert member.post(f"{path}/cancel").get_json()["code"] == "already_paid"
    assert member.post(f"{path}/cancel").get_json() == {"state": "cancelled"}
    assert mock_status(world, "pay", {"out_trade_no": second}) == 409
    audited()


def test_a_payment_in_the_last_second_beats_the_timeout(world, audited):
    """Case 16: the member was typing the password when the time was over."""
    member = new_member(world)
    path, _ = order_of(world, member)
    payment = member.post(f"{path}/payments", {}).get_json()
    ask_mock(world, "pay", {"out_trade_no": payment["out_trade_no"], "notify": False})
    clock.freeze(clock.now() + timedelta(minutes=30))
    assert run_sweep(world, "lapse_unpaid_orders") == 0
    assert state(member, path) == "paid"
    audited()


def test_an_order_that_cannot_be_closed_holds_up_none_behind_it(world, audited, monkeypatch):
    """The sweep goes through all pages, even of one order each."""
    monkeypatch.setattr("orders.checkout.jobs.PAGE", 1)
    member = new_member(world)
    paths = [order_of(world, member)[0] for _ in range(4)]
    for path in paths[:2]:
        member.post(f"{path}/payments", {})
    ask_mock(world, "faults", {"operation": "close", "kind": "system_error"})
    clock.freeze(clock.now() + timedelta(minutes=31))
    assert run_sweep(world, "lapse_unpaid_orders") == 3
    states = [state(member, path) for path in paths]
    assert states == ["awaiting_payment", "cancelled", "cancelled", "cancelled"]
    assert run_sweep(world, "lapse_unpaid_orders") == 1
    audited()


@pytest.mark.parametrize("kind", ["system_error", "drop", "tamper"])
def test_while_wechat_says_nothing_certain_the_order_stays_as_it_is(world, audited, kind):
    member = new_member(world)
    path, sku = order_of(world, member)
    member.post(f"{path}/payments", {})
    ask_mock(world, "faults", {"operation": "close", "kind": kind})
    reply = member.post(f"{path}/cancel")
    assert (reply.status_code, reply.get_json()["code"]) == (503, "payment_gateway_unavailable")
    assert state(member, path) == "awaiting_payment"
    assert stock_of(world, sku) == (5, 1)
    assert member.post(f"{path}/cancel").status_code == 200
    audited()


def test_a_silent_wechat_is_left_alone_and_costs_nobody_a_timeout(world):
    member = new_member(world)
    path, _ = order_of(world, member)
    member.post(f"{path}/payments", {})
    ask_mock(world, "faults", {"operation": "close", "kind": "silence", "times": 5})
    for _ in range(5):
        assert member.post(f"{path}/cancel").status_code == 503
    calls = len(asked_of_wechat(world))
    assert member.post(f"{path}/cancel").status_code == 503
    assert len(asked_of_wechat(world)) == calls
    breaker_of(world).close()
    assert member.post(f"{path}/cancel").status_code == 200


@pytest.mark.parametrize("minutes", [-10, 10])
def test_our_clock_ten_minutes_off_still_collects(world, audited, minutes):
    """Case 16."""
    clock.freeze(clock.now() + timedelta(minutes=minutes))
    member = new_member(world)
    path, _ = order_of(world, member)
    payment = member.post(f"{path}/payments", {}).get_json()
    assert "SUCCESS" in pay_at_wechat(world, payment)
    assert state(member, path) == "paid"
    audited()


def test_in_the_last_minute_no_payment_is_begun(world):
    member = new_member(world)
    path, _ = order_of(world, member)
    clock.freeze(clock.now() + timedelta(minutes=29, seconds=30))
    reply = member.post(f"{path}/payments", {})
    assert (reply.status_code, reply.get_json()["code"]) == (409, "payment_window_closed")


def test_beginning_again_uses_the_open_payment(world):
    member = new_member(world)
    path, _ = order_of(world, member)
    first = member.post(f"{path}/payments", {}).get_json()
    second = member.post(f"{path}/payments", {}).get_json()
    assert first["out_trade_no"] == second["out_trade_no"]
    assert len(asked_of_wechat(world, "order")) == 1
    parameters = first["pay_parameters"]
    assert set(parameters) == {"appId", "timeStamp", "nonceStr", "package", "signType", "paySign"}
    assert parameters["package"].startswith("prepay_id=wx")


@pytest.mark.parametrize(
    "title",
    ["]]>" * 10 + "姜", "😀🍍" * 30, "湛江海味" * 25, "a<b>&c", "\u200b姜"],
)
def test_titles_that_would_break_xml_or_the_limit_are_paid_for(world, audited, title):
    """Case 15: `]]>`, emoji, more than 127 bytes."""
    member = new_member(world)
    path, _ = order_of(world, member, title=title)
    payment = member.post(f"{path}/payments", {})
    assert payment.status_code == 201
    [call] = asked_of_wechat(world, "order")
    told = call["fields"].get("body") or call["fields"]["description"]
    assert 0 < len(told.encode()) <= 127
    assert "SUCCESS" in pay_at_wechat(world, payment.get_json())
    audited()


@pytest.mark.parametrize(
    ("titles", "text"),
    [
        (["徐闻良姜片"], "徐闻良姜片"),
        (["姜", "虾"], "姜 等2件"),
        ([], "福利商城订单"),
        (["]]>"], "福利商城订单"),
        (["姜" * 60], "姜" * 42),
    ],
)
def test_what_the_payer_reads(titles, text):
    assert payment_rules.goods_text(titles) == text


def test_a_payment_that_was_refunded_at_wechat_before_we_asked_was_paid_all_the_same(
    world, audited
):
    """The state REFUND of the trade: what it paid for must be found."""
    member = new_member(world)
    path, _ = order_of(world, member)
    payment = member.post(f"{path}/payments", {}).get_json()
    ask_mock(world, "pay", {"out_trade_no": payment["out_trade_no"], "notify": False})
    fault = {"operation": "query", "kind": "change", "fields": {"trade_state": "REFUND"}}
    ask_mock(world, "faults", fault)
    clock.freeze(clock.now() + timedelta(seconds=11))
    assert run_sweep(world, "query_open_payments") == 1
    assert state(member, path) == "paid"
    audited()
