"""What a supplier earned is settled once, to the fen; what goes back later is carried on."""

import copy
import random
from datetime import timedelta
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fulfillment.settlement import rules as settlement_rules
from fulfillment.settlement.rules import GivenBack, SoldLine
from mall.kernel import clock
from mall.kernel.ids import new_id
from tests.races.test_last_units import together
from tests.support.database import execute_sql, select_rows
from tests.support.people import confirmed_by_second, new_staff, order_body
from tests.support.selling import Sale
from tests.support.sheets import opened
from tests.support.shop import new_supplier
from tests.support.working import run_outbox, run_sweep

STATEMENTS = "/v1/ops/settlement/statements"


@pytest.fixture
def operator(world):
    return new_staff(world, "operator")


@pytest.fixture
def sale(world):
    """Two at ¥25, delivered; 5 % commission."""
    found = Sale(world, commission=500)
    found.deliver()
    run_outbox(world)
    return found


def figures(sale):
    return sale.supplier.get("/v1/supplier/settlement").get_json()


def items(sale):
    return sale.supplier.get("/v1/supplier/settlement/items").get_json()["items"]


def tomorrow():
    clock.shift(clock._offset + timedelta(days=1))
    return str(clock.beijing_day(clock.now()) - timedelta(days=1))


def draft(operator, sale, ends_on=None):
    body = {"supplier_id": str(sale.supplier_id), "ends_on": ends_on or tomorrow()}
    return operator.post(STATEMENTS, body)


def drafted(operator, sale):
    reply = draft(operator, sale)
    assert reply.status_code == 201, reply.get_json()
    return reply.get_json()


def supplier_does(sale, statement, what, body=None):
    path = f"/v1/supplier/settlement/statements/{statement['id']}/{what}"
    return sale.supplier.post(path, body)


def balance(world, account):
    rows = select_rows(
        world,
        "SELECT coalesce(sum(amount_fen), 0) AS fen FROM ledger_entry WHERE account = :account",
        account=account,
    )
    return rows[0].fen


def test_a_delivered_sale_is_owed_less_its_commission(world, sale, audited):
    [item] = items(sale)
    shown = {name: item[name] for name in ("kind", "quantity", "amount_fen", "commission_fen")}
    assert shown == {"kind": "sale", "quantity": 2, "amount_fen": 5000, "commission_fen": 250}
    assert figures(sale) == {"open_fen": 4750, "stated_fen": 0, "paid_fen": 0}
    assert balance(world, f"supplier:{sale.supplier_id}") == 4750
    assert balance(world, "settlement:commission") == 250
    audited()


def test_nothing_is_owed_before_it_is_delivered(world, audited):
    sale = Sale(world)
    sale.dispatch()
    run_outbox(world)
    assert figures(sale)["open_fen"] == 0
    audited()


def test_messages_that_come_again_count_once(world, sale, audited):
    execute_sql(
        world,
        "UPDATE outbox_delivery SET state = 'pending'"
        " WHERE topic IN ('PartDelivered', 'LineReimbursed')",
    )
    assert run_outbox(world) >= 1
    assert len(items(sale)) == 1
    audited()


def test_a_refund_takes_amount_and_commission_back(world, sale, audited):
    case = sale.asked("refund_only", quantity=1, reason="damaged")
    sale.supplier_does(case, "approve")
    run_outbox(world)
    found = items(sale)
    assert [(each["kind"], each["amount_fen"], each["commission_fen"]) for each in found] == [
        ("sale", 5000, 250),
        ("refund", -2500, -125),
    ]
    assert figures(sale)["open_fen"] == 2375
    audited()


def test_units_that_never_left_are_no_sale(world, audited):
    sale = Sale(world)
    sale.dispatch(1)
    case = sale.asked("refund_only", quantity=1, reason="no_longer_wanted")
    sale.supplier_does(case, "approve")
    assert sale.part()["state"] == "dispatched"
    confirm = f"/v1/store/fulfillment-orders/{sale.part()['id']}/confirm"
    assert sale.member.post(confirm).status_code == 200
    run_outbox(world)
    [item] = items(sale)
    assert (item["kind"], item["quantity"], item["amount_fen"]) == ("sale", 1, 2500)
    audited()


def test_freight_is_owed_without_commission_and_goes_back_with_the_last(world, audited):
    found = Sale(world, quantity=1, freight=800, commission=500)
    found.deliver()
    run_outbox(world)
    assert figures(found)["open_fen"] == 2500 - 125 + 800
    case = found.asked("refund_only", quantity=1, reason="damaged")
    found.supplier_does(case, "approve")
    run_outbox(world)
    assert figures(found)["open_fen"] == 0
    assert sorted(each["kind"] for each in items(found)) == [
        "freight",
        "freight_refund",
        "refund",
        "sale",
    ]
    audited()


def test_a_statement_from_draft_to_paid(world, sale, operator, audited):
    statement = drafted(operator, sale)
    shown = ("state", "sales_fen", "commission_fen", "net_fen", "item_count")
    assert [statement[name] for name in shown] == ["draft", 5000, 250, 4750, 1]
    audited()
    early = operator.post(f"{STATEMENTS}/{statement['id']}/pay", {"bank_reference": "B1"})
    assert (early.status_code, early.get_json()["code"]) == (409, "wrong_state")
    for _ in range(2):
        done = supplier_does(sale, statement, "confirm")
        assert (done.status_code, done.get_json()["state"]) == (200, "confirmed")
    late = operator.post(f"{STATEMENTS}/{statement['id']}/withdraw", {"note": "错"})
    assert late.status_code == 409
    for _ in range(2):
        paid = operator.post(f"{STATEMENTS}/{statement['id']}/pay", {"bank_reference": "B1"})
        assert (paid.status_code, paid.get_json()["state"]) == (200, "paid")
    other = operator.post(f"{STATEMENTS}/{statement['id']}/pay", {"bank_reference": "B2"})
    assert other.status_code == 409
    assert figures(sale) == {"open_fen": 0, "stated_fen": 0, "paid_fen": 4750}
    assert balance(world, f"supplier:{sale.supplier_id}") == 0
    assert balance(world, "bank:payouts") == 4750
    told = sale.supplier.get("/v1/supplier/notices").get_json()["items"]
    assert [each["kind"] for each in told].count("settlement") == 2
    audited()


def test_what_goes_back_after_it_was_settled_is_carried_to_the_next(world, sale, operator, audited):
    statement = drafted(operator, sale)
    supplier_does(sale, statement, "confirm")
    operator.post(f"{STATEMENTS}/{statement['id']}/pay", {"bank_reference": "B1"})
    case = sale.asked("refund_only", quantity=1, reason="damaged")
    sale.supplier_does(case, "approve")
    run_outbox(world)
    assert figures(sale) == {"open_fen": -2375, "stated_fen": 0, "paid_fen": 4750}
    audited()
    nothing = draft(operator, sale)
    assert (nothing.status_code, nothing.get_json()["code"]) == (409, "nothing_to_settle")
    assert operator.get(f"{STATEMENTS}/{statement['id']}").get_json()["net_fen"] == 4750
    body = {"supplier_id": str(sale.supplier_id), "amount_fen": 10_000, "note": "补结"}
    assert operator.post("/v1/ops/settlement/adjustments", body).status_code == 201
    following = drafted(operator, sale)
    shown = ("refunds_fen", "adjustments_fen", "commission_fen", "net_fen")
    assert [following[name] for name in shown] == [-2500, 10_000, -125, 7625]
    audited()


def test_an_adjustment_is_made_once_for_its_key(world, sale, operator, audited):
    body = {"supplier_id": str(sale.supplier_id), "amount_fen": -1000, "note": "迟发违约金"}
    first = operator.post("/v1/ops/settlement/adjustments", body, key="k1")
    again = operator.post("/v1/ops/settlement/adjustments", body, key="k1")
    assert first.data == again.data
    [kept] = select_rows(world, "SELECT recorded_by FROM settlement_item WHERE kind = 'adjustment'")
    assert kept.recorded_by == f"ops:{operator.id}"
    assert figures(sale)["open_fen"] == 3750
    for wrong in ({"amount_fen": 0}, {"note": ""}, {"amount_fen": 1.5}):
        reply = operator.post("/v1/ops/settlement/adjustments", {**body, **wrong})
        assert (reply.status_code, reply.get_json()["field"]) == (422, next(iter(wrong)))
    unknown = {**body, "supplier_id": str(new_id())}
    assert operator.post("/v1/ops/settlement/adjustments", unknown).status_code == 404
    assert figures(sale)["open_fen"] == 3750
    audited()


def test_a_disputed_statement_is_withdrawn_and_drafted_anew(world, sale, operator, audited):
    statement = drafted(operator, sale)
    assert supplier_does(sale, statement, "dispute", {"note": "少算一件"}).status_code == 200
    told = operator.get("/v1/ops/notices").get_json()["items"]
    assert "少算一件" in told[0]["text"]
    again = draft(operator, sale, statement["ends_on"])
    assert (again.status_code, again.get_json()["code"]) == (409, "statement_open")
    path = f"{STATEMENTS}/{statement['id']}/withdraw"
    assert operator.post(path, {"note": "重出"}).get_json()["state"] == "withdrawn"
    audited()
    gone = sale.supplier.get(f"/v1/supplier/settlement/statements/{statement['id']}")
    assert gone.status_code == 404
    assert draft(operator, sale, statement["ends_on"]).status_code == 201
    audited()


def test_a_period_that_is_not_over_is_not_settled(sale, operator):
    today = str(clock.beijing_day(clock.now()))
    reply = draft(operator, sale, today)
    assert (reply.status_code, reply.get_json()["field"]) == (422, "ends_on")


def test_what_happened_after_the_period_waits_for_the_next(world, sale, operator, audited):
    ends_on = tomorrow()
    case = sale.asked("refund_only", quantity=1, reason="damaged")
    sale.supplier_does(case, "approve")
    run_outbox(world)
    statement = draft(operator, sale, ends_on).get_json()
    assert statement["net_fen"] == 4750
    assert figures(sale)["open_fen"] == -2375
    audited()


def test_the_first_of_the_month_drafts_last_months_statements(world, sale, audited):
    assert run_sweep(world, "draft_month") == 0
    # The first of the month after the next is a month and a bit away at most.
    clock.shift(timedelta(days=32))
    assert run_sweep(world, "draft_month") == 1
    assert run_sweep(world, "draft_month") == 0
    audited()


def test_nobody_sees_anothers_statement(world, sale, operator):
    """Case 39."""
    statement = drafted(operator, sale)
    other = new_staff(world, "supplier", new_supplier(world))
    path = f"/v1/supplier/settlement/statements/{statement['id']}"
    for each in ("", "/items", "/paper"):
        assert other.get(path + each).status_code == 404
    assert other.post(f"{path}/confirm").status_code == 404
    assert other.post(f"{path}/dispute", {"note": "x"}).status_code == 404
    assert other.get("/v1/supplier/settlement/statements").get_json()["items"] == []


def test_the_paper_says_what_the_statement_says(sale, operator):
    statement = drafted(operator, sale)
    path = f"/v1/supplier/settlement/statements/{statement['id']}/paper"
    drawn = sale.supplier.get(path)
    assert (drawn.status_code, drawn.data[:5]) == (200, b"%PDF-")
    rows = opened(sale.supplier.get(f"{path}?format=xlsx").data)
    assert ["应付净额（元）", 47.5] in [[*row[:2]] for row in rows]
    total = next(row for row in rows if row[0] == "合计")
    assert total[5:8] == [50, 2.5, 47.5]
    ops = operator.get(f"{STATEMENTS}/{statement['id']}/paper?format=xlsx")
    assert ops.status_code == 200


def test_delivering_and_refunding_at_once_count_once(world, audited):
    sale = Sale(world)
    sale.dispatch()
    cases = [sale.asked("refund_only", quantity=1, reason="damaged") for _ in range(2)]
    confirm = f"/v1/store/fulfillment-orders/{sale.part()['id']}/confirm"
    acts = [
        lambda: sale.member.post(confirm).status_code,
        *(lambda c=case: sale.supplier_does(c, "approve").status_code for case in cases),
        *[partial(run_outbox, world)] * 3,
    ]
    together(len(acts), lambda number: acts[number]())
    run_outbox(world)
    assert figures(sale)["open_fen"] == 0
    assert sum(each["amount_fen"] for each in items(sale)) == 0
    audited()


# Arithmetic


@given(
    amount=st.integers(1, 10**8),
    bps=st.integers(0, 10_000),
    cuts=st.lists(st.integers(1, 10**8), max_size=6),
    seed=st.integers(0, 99),
)
def test_items_of_a_line_always_sum_to_what_is_left(amount, bps, cuts, seed):
    now, left, back = clock.now(), amount, []
    for cut in cuts:
        taken = min(cut, left)
        if taken:
            is_unsent = random.Random(seed + cut).random() < 0.3
            back.append(GivenBack(new_id(), taken, int(is_unsent), now))
            left -= taken
    found = settlement_rules.items_of_line(SoldLine(new_id(), "x", 9, amount, back), bps, now)
    assert sum(each.amount_fen for each in found) == left
    kept = sum(each.commission_fen for each in found)
    assert kept == settlement_rules.commission(left, bps)
    assert 0 <= kept <= left
    assert settlement_rules.totals(found)["net_fen"] == left - kept


@pytest.mark.parametrize(
    ("amount", "bps", "expected"),
    [(100, 500, 5), (10, 500, 1), (9, 500, 0), (0, 500, 0), (101, 9999, 101), (5, 1000, 1)],
)
def test_commission_is_rounded_half_up(amount, bps, expected):
    assert settlement_rules.commission(amount, bps) == expected


def test_the_commission_is_that_of_the_sale_whenever_it_is_delivered(world, operator, audited):
    """A rate changes from a day on: what was sold before keeps its own, refunds included."""
    sale = Sale(world, commission=500)
    path = f"/v1/ops/suppliers/{sale.supplier_id}/commission"
    today = clock.beijing_day(clock.now())
    for day in (today, today - timedelta(days=1), today + timedelta(days=367)):
        refused = operator.post(path, {"commission_bps": 900, "from_on": str(day)}).get_json()
        assert (refused["code"], refused["field"]) == ("commission_not_from_then", "from_on")
    changes = [(900, today + timedelta(days=1)), (200, today + timedelta(days=2))]
    for bps, day in changes:
        body = {"commission_bps": bps, "from_on": str(day)}
        confirmed_by_second(world, operator.post(path, body))
    later = [sale]
    for _ in changes:
        clock.freeze(clock.now() + timedelta(days=1))
        later.append(copy.copy(sale))
        later[-1].order = later[-1].place(order_body([sale.sku], "wechat", None))
    for each in reversed(later):
        each.deliver()
    run_outbox(world)
    rates = {item["order_no"]: item["commission_bps"] for item in items(sale)}
    assert [rates[each.read()["order_no"]] for each in later] == [500, 900, 200]
    case = sale.asked("refund_only", quantity=1, reason="damaged")
    sale.supplier_does(case, "approve")
    run_outbox(world)
    [refund] = [each for each in items(sale) if each["kind"] == "refund"]
    assert (refund["commission_bps"], refund["commission_fen"]) == (500, -125)
    told = sale.supplier.get("/v1/supplier/notices").get_json()["items"]
    assert [each["kind"] for each in told].count("commission_changed") == 2
    audited()


@pytest.mark.parametrize(("adjusted", "status"), [(-4750, 409), (-4749, 201)])
def test_a_statement_is_of_a_fen_at_least(sale, operator, adjusted, status):
    body = {"supplier_id": str(sale.supplier_id), "amount_fen": adjusted, "note": "扣款"}
    assert operator.post("/v1/ops/settlement/adjustments", body).status_code == 201
    reply = draft(operator, sale)
    assert reply.status_code == status
    told = reply.get_json()
    assert (told["net_fen"] == 1) if status == 201 else (told["code"] == "nothing_to_settle")
