"""WeChat tells what became of a refund: believed only where our key opens it, and once."""

import pytest

from tests.support.database import execute_sql, select_rows
from tests.support.people import new_member, new_staff, order_body
from tests.support.shop import new_sku
from tests.support.wechat import ask_mock, notify_mall, pay_at_wechat
from tests.support.working import run_outbox, run_sweep


@pytest.fixture
def accepted(world):
    """A refund of ¥20 that WeChat is working at, of an order that was cancelled."""
    person = new_member(world)
    _, sku = new_sku(world, 2000, 5)
    order = person.post("/v1/store/orders", order_body([sku], "wechat", 2000)).get_json()
    path = f"/v1/store/orders/{order['order_id']}"
    pay_at_wechat(world, person.post(f"{path}/payments", {}).get_json())
    ask_mock(world, "refunds/next", {"state": "PROCESSING"})
    assert person.post(f"{path}/cancel").status_code == 200
    run_outbox(world)
    run_sweep(world, "send_due_refunds")
    return row(world)


def row(world):
    [found] = select_rows(world, "SELECT state, out_refund_no, refund_id FROM refund")
    return found


def notice(world, refund, state, **how):
    return ask_mock(
        world, "refunds/set", {"out_refund_no": refund.out_refund_no, "state": state, **how}
    )


def tell(world, told):
    return notify_mall(world, told, "refund")


def test_a_notice_ends_a_refund_once_however_often_it_comes(world, accepted, audited):
    body = notice(world, accepted, "SUCCESS")
    assert ["SUCCESS" in tell(world, body) for _ in range(3)] == [True] * 3
    assert row(world).state == "succeeded"
    audited()


def test_an_account_that_is_gone_becomes_an_operators_task(world, accepted, audited):
    assert "SUCCESS" in tell(world, notice(world, accepted, "CHANGE"))
    assert row(world).state == "failed"
    notices = new_staff(world, "operator").get("/v1/ops/notices").get_json()["items"]
    assert [each["kind"] for each in notices] == ["refund_failed"]
    # A success that comes after it is not believed blindly: an operator is at it.
    assert "SUCCESS" in tell(world, notice(world, accepted, "SUCCESS"))
    assert row(world).state == "failed"
    audited()


@pytest.mark.parametrize(
    "how",
    [{"key": "0" * 32, "apiv3_key": "0" * 32}, {"mch_id": "1"}, {"refund_fee": 1}],
    ids=["key", "merchant", "amount"],
)
def test_a_forged_notice_changes_nothing(world, accepted, audited, how):
    assert "FAIL" in tell(world, notice(world, accepted, "SUCCESS", **how))
    assert row(world).state == "accepted"
    audited()


@pytest.mark.parametrize("body", ["", "<xml>", "<xml><return_code>SUCCESS</return_code></xml>"])
def test_what_is_no_notice_is_refused(world, body):
    assert "FAIL" in tell(world, body)


def test_a_notice_that_overtakes_the_answer_to_our_own_request_is_taken(world, accepted, audited):
    execute_sql(world, "UPDATE refund SET state = 'requested', refund_id = NULL")
    assert "SUCCESS" in tell(world, notice(world, accepted, "SUCCESS"))
    found = row(world)
    assert (found.state, found.refund_id) == ("succeeded", accepted.refund_id)
    audited()


def test_a_signed_notice_that_is_not_well_formed_changes_nothing(world, accepted, audited):
    is_v3 = world.app.extensions["mall_merchants"].main != "main"
    amounts = [100.5, "1e3", "１００", True, None, -1, []]
    odd = [{"amount": {"refund": each}} if is_v3 else {"refund_fee": each} for each in amounts]
    for name in ("refund_id", "out_refund_no"):
        odd += [{name: each} for each in (None, "", [], "4" * 65, "订单")]
    for fields in odd:
        assert "FAIL" in tell(world, notice(world, accepted, "SUCCESS", fields=fields)), fields
        assert row(world).state == "accepted", fields
    audited()
