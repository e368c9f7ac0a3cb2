"""The daily bill: every line is matched; what differs is found, told, explained, or vanishes."""

import io
from datetime import timedelta

import openpyxl
import pytest

from mall.kernel import clock
from mall.kernel.uow import unit_of_work
from mall.web.files import XLSX
from orders.reconciliation import rules as reconciliation_rules
from orders.reconciliation import service as reconciliation_service
from tests.support.database import break_rules, count_rows, findings_of, select_rows
from tests.support.people import new_member, new_staff, order_body
from tests.support.shop import new_sku
from tests.support.wechat import ask_mock, pay_at_wechat, refunds_at_wechat
from tests.support.working import run_outbox, run_sweep


def pay(world, total=10_000, **how):
    """Sell and pay something over WeChat; return the payment."""
    member = new_member(world)
    _, sku = new_sku(world, total, 5)
    order = member.post("/v1/store/orders", order_body([sku], "wechat", total)).get_json()
    path = f"/v1/store/orders/{order['order_id']}"
    payment = member.post(f"{path}/payments", {}).get_json()
    assert "SUCCESS" in pay_at_wechat(world, payment, **how)
    return {**payment, "cancel": lambda: member.post(f"{path}/cancel")}


def today():
    return clock.beijing_day(clock.now())


@pytest.fixture
def next_day(world):
    """Return a function that goes on to the next morning and runs the job."""
    day = today()

    def go(hours=0):
        clock.freeze(
            reconciliation_rules.begins(day + timedelta(days=1)) + timedelta(hours=11 + hours)
        )
        run_sweep(world, "want_bills")
        run_sweep(world, "check_bills")
        return day

    return go


def checked(world, day):
    """Return what the mall says of a day's bill."""
    merchant = world.app.extensions["mall_merchants"].main
    operator = new_staff(world, "operator")
    query = f"merchant={merchant}&first={day}&last={day}"
    return operator.get(f"/v1/ops/reconciliation?{query}").get_json()


def differences(world, **query):
    asked = "&".join(f"{name}={value}" for name, value in query.items())
    path = f"/v1/ops/reconciliation/differences?{asked}"
    return new_staff(world, "operator").get(path).get_json()["items"]


def kinds(world):
    return {(each["number"], each["difference"]) for each in differences(world, state="open")}


def again(world, day):
    """Fetch the bill of a day once more."""
    merchant = world.app.extensions["mall_merchants"].main
    body = {"merchant": merchant, "day": str(day)}
    reply = new_staff(world, "operator").post("/v1/ops/reconciliation/bills/again", body)
    assert reply.status_code == 202
    assert run_sweep(world, "check_bills") == 1


def test_a_day_of_payments_and_refunds_agrees_to_the_fen(world, next_day, audited):
    payments = [pay(world, total) for total in (10_000, 25_050, 1)]
    payments[1]["cancel"]()
    run_outbox(world)
    run_sweep(world, "send_due_refunds")
    found = checked(world, next_day())
    assert (found["line_count"], found["paid_fen"], found["refunded_fen"]) == (4, 35_051, 25_050)
    assert found["clearing_paid_fen"] == found["paid_fen"]
    assert found["clearing_refunded_fen"] == found["refunded_fen"]
    assert (found["open_cases"], found["fee_fen"]) == (0, 60)
    assert found["bills"][0]["state"] == "checked"
    accounts = new_staff(world, "operator").get("/v1/ops/ledger/accounts").get_json()["items"]
    balances = {each["account"]: each["balance_fen"] for each in accounts}
    assert -balances["wechat:clearing"] == found["paid_fen"] - found["refunded_fen"]
    audited()


def test_case_13_the_bill_knows_a_payment_that_we_do_not_and_lacks_one_that_we_have(
    world, next_day, audited
):
    ours = pay(world)
    theirs = pay(world)
    # We never recorded the second; WeChat forgot the first.
    break_rules(
        world,
        f"UPDATE payment SET out_trade_no = 'P-OTHER' WHERE out_trade_no = '{theirs['out_trade_no']}'",
    )
    day = next_day()
    assert kinds(world) == {
        (theirs["out_trade_no"], "unknown_to_us"),
        ("P-OTHER", "missing_at_wechat"),
    }
    assert ours["out_trade_no"] not in {number for number, _ in kinds(world)}
    found = checked(world, day)
    told = {each["difference"]: each["difference_fen"] for each in differences(world)}
    assert told == {"unknown_to_us": 10_000, "missing_at_wechat": -10_000}
    assert found["paid_fen"] == found["clearing_paid_fen"]
    assert found["differences_fen"] == 0
    told = new_staff(world, "operator").get("/v1/ops/notices").get_json()["items"]
    assert "bill_differs" in {each["kind"] for each in told}
    audited()


def test_a_payment_that_nothing_told_us_of_is_paid_by_the_bill(world, next_day, audited):
    """Case 13: the notice and every query were lost."""
    member = new_member(world)
    _, sku = new_sku(world, 10_000, 5)
    order = member.post("/v1/store/orders", order_body([sku], "wechat", 10_000)).get_json()
    path = f"/v1/store/orders/{order['order_id']}"
    payment = member.post(f"{path}/payments", {}).get_json()
    ask_mock(world, "pay", {"out_trade_no": payment["out_trade_no"], "notify": False})
    next_day()
    assert member.get(path).get_json()["state"] == "paid"
    assert kinds(world) == set()
    assert [each["state"] for each in differences(world)] == ["vanished"]
    audited()


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        ("UPDATE payment SET amount_fen = amount_fen - 1", "amount_differs"),
        ("UPDATE payment SET transaction_id = '42'", "state_differs"),
    ],
)
def test_what_differs_is_found_and_vanishes_once_it_is_put_right(
    world, next_day, audited, change, difference
):
    payment = pay(world)
    kept = select_rows(world, "SELECT amount_fen, transaction_id FROM payment")[0]
    break_rules(world, change)
    day = next_day()
    assert kinds(world) == {(payment["out_trade_no"], difference)}
    break_rules(
        world,
        f"UPDATE payment SET amount_fen = {kept.amount_fen},"
        f" transaction_id = '{kept.transaction_id}'",
    )
    again(world, day)
    assert kinds(world) == set()
    assert [each["state"] for each in differences(world)] == ["vanished"]
    audited()


def test_another_fee_than_agreed_is_found_and_explained(world, next_day, audited, monkeypatch):
    merchants = world.app.extensions["mall_merchants"]
    settings = merchants.get(merchants.main).settings
    payment = pay(world)
    object.__setattr__(settings, "fee_rate", 38)
    try:
        day = next_day()
        [case] = differences(world, state="open")
        assert (case["number"], case["difference"]) == (payment["out_trade_no"], "fee_differs")
        assert (case["at_wechat"], case["with_us"]) == ("60", "38")
        path = f"/v1/ops/reconciliation/differences/{case['id']}/explain"
        operator = new_staff(world, "operator")
        done = operator.post(path, {"note": "费率优惠未生效，已申诉"}).get_json()
        assert (done["state"], done["explained_by"]) == ("explained", f"ops:{operator.id}")
        assert operator.post(path, {"note": "再来一次"}).get_json()["code"] == "wrong_state"
        # The same difference found again stays explained; another one opens it anew.
        again(world, day)
        assert differences(world, state="open") == []
        object.__setattr__(settings, "fee_rate", 40)
        again(world, day)
        assert [each["with_us"] for each in differences(world, state="open")] == ["40"]
    finally:
        object.__setattr__(settings, "fee_rate", 60)
    again(world, day)
    assert differences(world, state="open") == []
    audited()


def test_a_refund_that_wechat_calls_failed_and_we_call_done_is_found(world, next_day):
    payment = pay(world)
    payment["cancel"]()
    run_outbox(world)
    run_sweep(world, "send_due_refunds")
    [refund] = refunds_at_wechat(world)
    ask_mock(world, "refunds/set", {"out_refund_no": refund["out_refund_no"], "state": "ABNORMAL"})
    next_day()
    [case] = differences(world, state="open")
    assert (case["kind"], case["difference"]) == ("refund", "state_differs")
    # WeChat still has what we believe to have gone back.
    assert case["difference_fen"] == 10_000
    assert findings_of(world) == {}


def test_a_refund_still_under_way_on_both_sides_is_no_difference(world, next_day, audited):
    payment = pay(world)
    payment["cancel"]()
    run_outbox(world)
    ask_mock(world, "refunds/next", {"state": "PROCESSING"})
    run_sweep(world, "send_due_refunds")
    next_day()
    assert differences(world) == []
    audited()


def test_matching_again_changes_nothing(world, next_day, audited):
    pay(world)
    day = next_day()
    before = checked(world, day)
    for _ in range(2):
        again(world, day)
    after = checked(world, day)
    for found in (before, after):
        found["bills"][0].pop("checked_at")
    assert after == before
    assert count_rows(world, "bill_line") == 1
    audited()


def test_the_job_catches_up_on_days_that_nobody_fetched(world, next_day, audited):
    pay(world)
    first = today()
    next_day(hours=24 * 4)
    states = {row.day: row.state for row in select_rows(world, "SELECT day, state FROM bill")}
    assert states == {first: "checked", **{first + timedelta(days=n): "empty" for n in range(1, 5)}}
    audited()


def test_before_ten_in_the_morning_yesterdays_bill_is_not_there_yet(world):
    pay(world)
    day = today()
    clock.freeze(
        reconciliation_rules.begins(day + timedelta(days=1)) + timedelta(hours=9, minutes=59)
    )
    run_sweep(world, "want_bills")
    assert count_rows(world, "bill") == 0
    clock.freeze(clock.now() + timedelta(minutes=1))
    run_sweep(world, "want_bills")
    assert [row.day for row in select_rows(world, "SELECT day FROM bill")] == [day]


def test_a_bill_that_cannot_be_had_is_tried_again(world, next_day, each_version, audited):
    pay(world)
    kind = {"v2": "system_error", "v3": "SYSTEM_ERROR"}[each_version]
    ask_mock(world, "faults", {"operation": "bill", "kind": kind})
    day = next_day()
    found = checked(world, day)["bills"][0]
    assert found["state"] == "wanted" and found["last_error"]
    assert run_sweep(world, "check_bills") == 0
    clock.freeze(clock.now() + timedelta(minutes=11))
    assert run_sweep(world, "check_bills") == 1
    assert checked(world, day)["bills"][0]["state"] == "checked"
    audited()


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b"\r\n", b"", "no totals"),
        (b"`100.00,`0.00,`\r\n", b"`99.00,`0.00,`\r\n", "are not those of the lines"),
        (b"`100.00", b"`1x0.00", "cannot be read"),
        (b",`CNY", b"", "neither a line nor totals"),
    ],
)
def test_a_damaged_bill_is_refused_whole(world, next_day, old, new, reason):
    pay(world)
    day = next_day()
    merchants = world.app.extensions["mall_merchants"]
    terms = reconciliation_rules.Terms(
        merchants.main, merchants.get(merchants.main).settings.mch_id, 60
    )
    before = checked(world, day)
    with world.app.app_context():
        text = merchants.get(merchants.main).gateway.download_bill(day)
        assert old in text
        with (
            pytest.raises(reconciliation_rules.BillUnreadable, match=reason),
            unit_of_work() as uow,
        ):
            reconciliation_service.record(uow, terms, day, text.replace(old, new))
    assert checked(world, day) == before


def test_the_report_as_xlsx_has_the_figures_and_the_differences(world, next_day):
    payment = pay(world)
    break_rules(world, "UPDATE payment SET amount_fen = amount_fen - 1")
    day = next_day()
    merchant = world.app.extensions["mall_merchants"].main
    query = f"merchant={merchant}&first={day}&last={day}"
    reply = new_staff(world, "operator").get(f"/v1/ops/reconciliation/report.xlsx?{query}")
    assert reply.content_type == XLSX
    sheet = openpyxl.load_workbook(io.BytesIO(reply.data)).active
    cells = [cell for row in sheet.iter_rows(values_only=True) for cell in row if cell is not None]
    assert {"微信支付对账表", payment["out_trade_no"], "金额不一致", 100.0} <= set(cells)


@pytest.mark.parametrize(
    "query", ["first=2027-01-02&last=2027-01-01", "first=2026-01-01&last=2027-01-01"]
)
def test_a_span_that_makes_no_sense_is_refused(world, query):
    reply = new_staff(world, "operator").get(f"/v1/ops/reconciliation?{query}")
    assert (reply.status_code, reply.get_json()["field"]) == (422, "last")
