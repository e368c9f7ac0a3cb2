"""Money on its way back: once, whatever WeChat answers."""

from datetime import timedelta

import pytest

from mall.kernel import clock
from tests.support.database import select_rows
from tests.support.people import new_member, order_body
from tests.support.selling import Sale
from tests.support.shop import new_sku
from tests.support.wechat import ask_mock, asked_of_wechat, pay_at_wechat, refunds_at_wechat
from tests.support.working import run_outbox, run_sweep


@pytest.fixture
def late(world):
    """A payment that came after its order was cancelled; its refund is open."""
    member = new_member(world)
    order = member.post("/v1/store/orders", order_body([new_sku(world, 1000)[1]], "wechat", 1000))
    path = f"/v1/store/orders/{order.get_json()['order_id']}"
    payment = member.post(f"{path}/payments", {}).get_json()
    member.post(f"{path}/cancel")
    pay_at_wechat(world, payment, force=True)
    run_outbox(world)
    return payment


def recorded(world, payment):
    [row] = select_rows(
        world,
        "SELECT state, attempts, last_error FROM refund WHERE out_trade_no = :no",
        no=payment["out_trade_no"],
    )
    return row


@pytest.mark.parametrize("kind", ["system_error", "drop", "tamper"])
def test_a_lost_or_uncertain_answer_is_tried_again_with_the_same_number(world, late, audited, kind):
    """Case 14, as far as it exists: the response is lost, the refund is one."""
    ask_mock(world, "faults", {"operation": "refund", "kind": kind})
    run_sweep(world, "send_due_refunds")
    assert recorded(world, late).state == "requested"
    clock.freeze(clock.now() + timedelta(seconds=11))
    run_sweep(world, "send_due_refunds")
    assert recorded(world, late).state == "succeeded"
    assert len(refunds_at_wechat(world)) == 1
    audited()


def test_a_refused_refund_fails_and_keeps_the_reason(world, late, audited):
    """Case 14, as far as it exists."""
    ask_mock(world, "faults", {"operation": "refund", "kind": "USER_ACCOUNT_ABNORMAL"})
    run_sweep(world, "send_due_refunds")
    row = recorded(world, late)
    assert (row.state, "USER_ACCOUNT_ABNORMAL" in row.last_error) == ("failed", True)
    audited()


def test_an_accepted_refund_that_fails_later_is_recorded_so(world, late, audited):
    """Case 14: the account was closed meanwhile."""
    ask_mock(world, "refunds/next", {"state": "CHANGE"})
    run_sweep(world, "send_due_refunds")
    assert recorded(world, late).state == "failed"
    audited()


def test_a_refund_under_way_is_asked_about_until_it_ends(world, late, audited):
    ask_mock(world, "refunds/next", {"state": "PROCESSING"})
    run_sweep(world, "send_due_refunds")
    assert recorded(world, late).state == "accepted"
    [refund] = refunds_at_wechat(world)
    ask_mock(world, "refunds/set", {"out_refund_no": refund["out_refund_no"], "state": "SUCCESS"})
    clock.freeze(clock.now() + timedelta(seconds=11))
    run_sweep(world, "send_due_refunds")
    assert recorded(world, late).state == "succeeded"
    audited()


def test_the_first_refund_of_a_payment_has_its_number_and_each_further_one_the_next(world):
    """WeChat takes a number it knows for the same refund: two with one number would pay one."""
    sale = Sale(world, quantity=3, beans=0).deliver()
    for _ in range(3):
        case = sale.asked("refund_only", 1)
        assert sale.supplier_does(case, "approve").status_code == 200
    rows = select_rows(world, "SELECT out_refund_no, out_trade_no FROM refund ORDER BY id")
    first = f"R{rows[0].out_trade_no}"
    assert [row.out_refund_no for row in rows] == [first, f"{first}-2", f"{first}-3"]
    assert sale.wechat_back() == 7500


def test_each_payment_that_came_too_late_goes_back_once_whatever_came_before_it(world):
    member = new_member(world)
    for _ in range(2):
        _, sku = new_sku(world, 1000)
        order = member.post("/v1/store/orders", order_body([sku], "wechat", 1000)).get_json()
        path = f"/v1/store/orders/{order['order_id']}"
        payment = member.post(f"{path}/payments", {}).get_json()
        member.post(f"{path}/cancel")
        pay_at_wechat(world, payment, force=True)
        run_outbox(world)
    rows = select_rows(world, "SELECT payment_id FROM refund")
    assert len(rows) == len({row.payment_id for row in rows}) == 2
    told = member.get("/v1/store/notices").get_json()["items"]
    assert [each["kind"] for each in told] == ["late_payment"] * 2


def test_the_first_attempt_sends_at_once_and_each_further_one_asks_first(world, late):
    """What was sent without an answer may have arrived; what was never sent cannot have."""
    ask_mock(world, "faults", {"operation": "refund", "kind": "system_error"})
    run_sweep(world, "send_due_refunds")
    assert calls(world) == ["refund"]
    clock.freeze(clock.now() + timedelta(seconds=11))
    run_sweep(world, "send_due_refunds")
    assert calls(world) == ["refund", "refund_query", "refund", "refund_query"]


def calls(world):
    """Return what was asked about refunds, in turn."""
    names = [each["operation"] for each in asked_of_wechat(world)]
    return [name for name in names if name.startswith("refund")]


def test_an_attempt_that_failed_is_not_made_again_before_its_time(world, late):
    ask_mock(world, "faults", {"operation": "refund", "kind": "system_error"})
    for _ in range(3):
        run_sweep(world, "send_due_refunds")
        assert (recorded(world, late).state, recorded(world, late).attempts) == ("requested", 1)
