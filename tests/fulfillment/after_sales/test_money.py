"""What goes back: to which tender, with which freight, and when nothing was sent at all."""

from datetime import timedelta

import pytest

from mall.kernel import clock
from tests.support.database import execute_sql, select_rows
from tests.support.giving import Union
from tests.support.people import grant_beans, login_again, new_staff, order_body
from tests.support.selling import PARCEL, Sale
from tests.support.shop import charge_freight, new_sku, stock_of
from tests.support.wechat import ask_mock, refunds_at_wechat
from tests.support.working import run_outbox, run_sweep


def refund(sale, **ask):
    """Ask for a refund and let the supplier agree; return the case."""
    case = sale.asked(**ask)
    done = sale.supplier_does(case, "approve")
    assert done.status_code == 200, done.get_json()
    return done.get_json()


def back(sale):
    order = sale.read()
    return order["refunded_beans_fen"], order["refunded_wechat_fen"]


def test_case_17_one_line_after_another_each_tender_gets_its_share(world, audited):
    """Two lines of 333 and 667 fen, paid by 500 of beans and 500 by WeChat, go back bit by bit."""
    sale = Sale(world, quantity=1, price=333, beans=0)
    _, other = new_sku(world, 667, 5, sale.supplier_id)
    grant_beans(world, sale.member, 500)
    sale.order = sale.place(order_body([sale.sku, other], "mixed", None))
    first, second = sale.read()["lines"]
    assert first["beans_fen"] + second["beans_fen"] == 500
    sale.dispatch()
    refund(sale, line=0, amount_fen=100)
    audited()
    refund(sale, line=1)
    beans, wechat = back(sale)
    share = second["beans_fen"], second["wechat_fen"]
    assert (beans + wechat, sum(share)) == (767, 667)
    # The second line has given back exactly what it took, whatever the first did before.
    assert 0 <= beans - share[0] <= first["beans_fen"]
    assert 0 <= wechat - share[1] <= first["wechat_fen"]
    audited()


@pytest.mark.parametrize(
    "parts",
    [[(1, 1)] * 5, [(2, 1999), (3, 3000)], [(1, 833), (1, 833), (1, 833), (1, 1)], [(5, 5000)]],
)
def test_parts_sum_to_the_whole_and_to_each_tender(world, audited, parts):
    sale = Sale(world, quantity=5, price=1000, beans=3001).deliver()
    for quantity, amount in parts:
        refund(sale, quantity=quantity, amount_fen=amount)
    beans, wechat = back(sale)
    assert beans + wechat == sum(amount for _, amount in parts)
    assert beans <= 3001 and wechat <= 1999
    assert (sale.beans(), sale.wechat_back()) == (beans, wechat)
    audited()


def test_each_partial_refund_has_a_number_of_its_own(world, audited):
    sale = Sale(world, quantity=3, price=1000, beans=0).deliver()
    for _ in range(3):
        refund(sale)
    assert sale.wechat_back() == 3000
    numbers = [each["out_refund_no"] for each in refunds_at_wechat(world)]
    assert [number[-2:] for number in numbers[1:]] == ["-2", "-3"]
    assert len(set(numbers)) == 3
    audited()


def test_case_14_the_51st_partial_refund_is_settled_another_way(world, audited):
    sale = Sale(world, quantity=10, price=1000, beans=0).deliver()
    refund(sale)
    sale.wechat_back()
    [payment] = select_rows(world, "SELECT out_trade_no FROM payment")
    ask_mock(world, "faults", {"operation": "refund", "kind": "INVALID_REQ_TOO_MUCH"})
    refund(sale)
    run_sweep(world, "send_due_refunds")
    operator = new_staff(world, "operator")
    [failed] = operator.get("/v1/ops/refunds?state=failed").get_json()["items"]
    assert failed["out_trade_no"] == payment.out_trade_no
    body = {"channel": "bank", "channel_reference": "ICBC51"}
    path = f"/v1/ops/refunds/{failed['id']}/settle"
    assert operator.post(path, body).get_json()["state"] == "settled"
    audited()


def test_case_14_a_refund_after_one_year_is_an_operators_task(world, audited):
    sale = Sale(world, beans=0)
    sale.dispatch()
    clock.freeze(clock.now() + timedelta(days=366))
    ask_mock(world, "clock", {"offset_seconds": 366 * 86_400})
    sale.member = login_again(world, sale.member)
    sale.supplier = new_staff(world, "supplier", sale.supplier_id)
    refund(sale, reason="not_received")
    run_sweep(world, "send_due_refunds")
    [row] = select_rows(world, "SELECT state, last_error FROM refund")
    assert row.state == "failed" and "TRADE_OVERDUE" in row.last_error
    audited()


def test_case_18_beans_of_an_expired_lot_are_good_for_thirty_days_more(world, audited):
    sale = Sale(world, beans=0)
    expires_at = clock.now() + timedelta(days=1)
    grant_beans(world, sale.member, 2500, expires_at)
    sale.order = sale.place(order_body([sale.sku], "beans", None))
    sale.dispatch()
    clock.freeze(clock.now() + timedelta(days=2))
    refund(sale)
    [lot] = select_rows(
        world, "SELECT balance_fen, expires_at FROM bean_lot WHERE came_from_id IS NOT NULL"
    )
    assert lot.balance_fen == 2500
    assert lot.expires_at == clock.now() + timedelta(days=30)
    audited()


@pytest.fixture
def given(world):
    """A union's member with ¥300 of beans, who has bought something for ¥200 with them."""
    union = Union(world)
    rows = union.people(1)
    programme_id = union.issued(kind="open", allows_top_up=True, roster_id=union.roster(rows))
    sale = Sale(world, price=20_000, beans=0)
    sale.member = union.members[rows[0][1]]
    sale.order = sale.place(order_body([sale.sku], "beans", None))
    sale.dispatch()
    sale.member.post(f"/v1/store/fulfillment-orders/{sale.part()['id']}/confirm")
    return union, programme_id, sale


def test_beans_of_a_running_programme_go_back_to_the_member(given, audited):
    union, programme_id, sale = given
    refund(sale, amount_fen=5_000)
    assert sale.beans() == 15_000
    money = union.auditor.get(f"/v1/union/programmes/{programme_id}/dashboard").get_json()["money"]
    assert (money["spent_fen"], money["reimbursed_fen"]) == (15_000, 5_000)
    audited()


def test_case_18_of_a_programme_that_is_closed_they_go_to_the_union(given, audited):
    union, programme_id, sale = given
    union.approver.post(f"/v1/union/programmes/{programme_id}/close", {"reason": "结束"})
    union.run()
    before = union.bill(programme_id)["balance_fen"]
    refund(sale)
    assert sale.beans() == 0
    assert union.bill(programme_id)["balance_fen"] == before + 20_000
    audited()


def test_case_18_of_a_programme_that_is_filed_they_wait_for_their_payout(given, audited):
    union, programme_id, sale = given
    path = f"/v1/union/programmes/{programme_id}"
    union.approver.post(f"{path}/close", {"reason": "结束"})
    union.run()
    left = union.bill(programme_id)["balance_fen"]
    assert union.pay_out(programme_id, amount_fen=left).status_code == 200
    assert union.acceptor.post(f"{path}/accept", {}).status_code == 200
    assert union.auditor.post(f"{path}/archive", {}).status_code == 200
    audited()
    refund(sale)
    assert union.bill(programme_id)["balance_fen"] == 20_000
    audited()
    assert union.pay_out(programme_id, amount_fen=20_000).status_code == 200
    assert (union.read(programme_id)["state"], union.bill(programme_id)["balance_fen"]) == (
        "archived",
        0,
    )
    audited()


def test_case_18_of_a_member_who_has_left_the_union_they_go_to_the_union(given, audited):
    union, programme_id, sale = given
    execute_sql(
        sale.world,
        "INSERT INTO union_membership (union_id, member_id, joined_on, left_on)"
        " SELECT union_id, :member, current_date - 90, current_date - 1 FROM programme"
        " ON CONFLICT (union_id, member_id) DO UPDATE SET left_on = current_date - 1,"
        " joined_on = current_date - 90",
        member=sale.member.id,
    )
    before = union.bill(programme_id)["balance_fen"]
    refund(sale)
    assert sale.beans() == 10_000
    assert union.bill(programme_id)["balance_fen"] == before + 20_000
    audited()


def test_what_a_right_paid_for_goes_back_to_the_union(world, audited):
    union = Union(world)
    rows = union.people(1)
    packs = [union.pack(30_000)[0] for _ in range(2)]
    programme_id = union.issued(roster_id=union.roster(rows), pack_ids=packs)
    member = union.members[rows[0][1]]
    order = union.redeem(member, programme_id, packs[0]).get_json()
    run_outbox(world)
    path = f"/v1/store/orders/{order['order_id']}"
    line = member.get(path).get_json()["lines"][0]
    body = {"line_id": line["id"], "kind": "refund_only", "quantity": line["quantity"]}
    body |= {"reason": "damaged"}
    # What has not left is chosen anew, as long as there is a choice.
    assert member.post(f"{path}/after-sales", body).get_json()["code"] == "choose_anew"
    supplier = new_staff(world, "supplier", line["supplier_id"])
    [part] = member.get(f"{path}/fulfillment-orders").get_json()["items"]
    parcels = f"/v1/supplier/fulfillment-orders/{part['id']}/shipments"
    assert supplier.post(parcels, PARCEL).status_code == 201
    case = member.post(f"{path}/after-sales", body).get_json()
    before = union.bill(programme_id)["balance_fen"]
    done = supplier.post(f"/v1/supplier/after-sales/{case['id']}/approve", {})
    assert done.get_json()["state"] == "refunded"
    assert union.bill(programme_id)["balance_fen"] == before + line["amount_fen"]
    audited()


@pytest.fixture
def with_freight(world):
    """Two units with ¥8 of freight, paid by ¥30 of beans and the rest by WeChat."""
    sale = Sale(world)
    grant_beans(world, sale.member, 3000)
    charge_freight(world, sale.supplier_id, [sale.product], 800)
    sale.order = sale.place(order_body([sale.sku], "mixed", None, 2))
    assert sale.read()["freight_fen"] == 800
    return sale


def test_freight_follows_the_last_fen_of_a_suppliers_fault(with_freight, audited):
    with_freight.deliver()
    first = refund(with_freight, reason="damaged")
    assert (first["refunded_fen"], first["freight_fen"]) == (2500, 0)
    last = refund(with_freight, reason="damaged")
    assert (last["refunded_fen"], last["freight_fen"]) == (2500, 800)
    assert sum(back(with_freight)) == 5800
    audited()


def test_freight_of_what_was_not_wanted_any_more_stays_paid(with_freight, audited):
    with_freight.deliver()
    done = refund(with_freight, reason="no_longer_wanted", quantity=2)
    assert done["freight_fen"] == 0
    assert sum(back(with_freight)) == 5000
    audited()


def test_units_that_never_left_go_back_to_the_shelf_and_are_not_sent(sale, audited):
    case = sale.asked(reason="no_longer_wanted")
    assert case["is_unsent"] is True
    line = sale.part()["lines"][0]
    assert (line["held_quantity"], line["cancelled_quantity"]) == (1, 0)
    too_many = sale.dispatch(2)
    assert too_many.get_json()["code"] == "too_many_dispatched"
    assert sale.supplier_does(case, "approve").get_json()["state"] == "refunded"
    assert stock_of(sale.world, sale.sku) == (9, 0)
    audited()
    assert sale.dispatch().get_json()["state"] == "dispatched"
    audited()
    confirm = f"/v1/store/fulfillment-orders/{sale.part()['id']}/confirm"
    assert sale.member.post(confirm).status_code == 200
    assert sale.read()["state"] == "completed"
    audited()


def test_what_is_refused_may_leave_again(sale, audited):
    case = sale.asked(quantity=2, reason="no_longer_wanted")
    assert sale.dispatch().get_json()["code"] == "too_many_dispatched"
    sale.supplier_does(case, "reject", {"note": "已打包"})
    assert sale.dispatch().status_code == 201
    # Dispatched meanwhile: an appeal that is granted gives the money, the goods have gone.
    sale.member_does(case, "appeal", {"note": "未发货"})
    assert sale.operator_decides(case).get_json()["state"] == "refunded"
    assert stock_of(sale.world, sale.sku) == (8, 0)
    audited()


def test_for_a_part_of_the_money_the_goods_are_still_sent(sale, audited):
    case = sale.asked(quantity=2, reason="no_longer_wanted")
    sale.supplier_does(case, "reject", {"note": "已打包"})
    sale.member_does(case, "appeal", {"note": "未发货"})
    assert sale.operator_decides(case, amount_fen=1000).get_json()["refunded_fen"] == 1000
    assert sum(back(sale)) == 1000
    assert sale.dispatch().get_json()["state"] == "dispatched"
    assert stock_of(sale.world, sale.sku) == (8, 0)
    audited()


def test_an_order_of_which_nothing_is_left_to_send_is_cancelled(with_freight, audited):
    done = refund(with_freight, quantity=2, reason="no_longer_wanted")
    assert (done["refunded_fen"], done["freight_fen"]) == (5000, 800)
    order = with_freight.read()
    assert (order["state"], order["cancel_reason"]) == ("cancelled", "after_sales")
    assert with_freight.part()["state"] == "cancelled"
    assert (with_freight.beans(), with_freight.wechat_back()) == (3000, 2800)
    assert stock_of(with_freight.world, with_freight.sku) == (8, 0)
    audited()


def test_the_rest_of_an_order_is_cancelled_in_one_call(world, audited):
    sale = Sale(world, quantity=2)
    refund(sale, reason="no_longer_wanted")
    audited()
    assert sale.member.post(f"{sale.path}/cancel").status_code == 200
    run_outbox(world)
    assert (sale.beans(), sale.wechat_back()) == (3000, 2000)
    assert stock_of(world, sale.sku) == (10, 0)
    audited()


def test_cancelling_an_order_closes_what_was_asked_about_it(sale, audited):
    case = sale.asked(reason="no_longer_wanted")
    assert sale.member.post(f"{sale.path}/cancel").status_code == 200
    assert sale.supplier_does(case, "approve").get_json()["code"] == "wrong_state"
    run_outbox(sale.world)
    assert sale.case(case)["state"] == "withdrawn"
    audited()


def test_goods_that_are_on_their_way_cannot_be_returned_before_they_left(sale):
    refused = sale.ask("return_and_refund")
    assert (refused.status_code, refused.get_json()["code"]) == (409, "not_sent_yet")


def test_part_sent_part_not_each_is_asked_for_apart(sale, audited):
    assert sale.dispatch(1).get_json()["state"] == "partly_dispatched"
    unsent = sale.asked(reason="no_longer_wanted")
    sent = sale.asked("return_and_refund")
    assert (unsent["is_unsent"], sent["is_unsent"]) == (True, False)
    sale.supplier_does(unsent, "approve")
    assert sale.part()["state"] == "dispatched"
    audited()
    sale.supplier_does(sent, "approve")
    sale.member_does(sent, "parcel", PARCEL)
    sale.supplier_does(sent, "receive")
    assert sale.supplier_does(sent, "accept-goods").get_json()["state"] == "refunded"
    assert sum(back(sale)) == 5000
    audited()
