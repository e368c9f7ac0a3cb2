"""The life of a case: who may do what when, and what silence means."""

import io
from datetime import timedelta

import pytest
from PIL import Image

from fulfillment.after_sales import rules as after_sales_rules
from mall.kernel import clock
from orders.refunds.service import reimbursing
from tests.support.database import count_rows, execute_sql
from tests.support.people import new_member, new_staff, order_body
from tests.support.selling import HOME, PARCEL, Sale
from tests.support.shop import new_sku, new_supplier, set_stock, stock_of
from tests.support.working import run_sweep


def later(**span):
    clock.freeze(clock.now() + timedelta(**span))


def code(reply):
    return reply.get_json()["code"]


def test_a_refund_without_a_return_goes_back_at_once(delivered, audited):
    case = delivered.asked(description="盒子压坏", amount_fen=2000)
    assert (case["state"], case["amount_fen"]) == ("requested", 2000)
    done = delivered.supplier_does(case, "approve").get_json()
    assert (done["state"], done["refunded_fen"], done["due_at"]) == ("refunded", 2000, None)
    # 3,000 of 5,000 were beans: 1,200 of 2,000 go back to them.
    assert (delivered.beans(), delivered.wechat_back()) == (1200, 800)
    order = delivered.read()
    assert (order["refunded_beans_fen"], order["refunded_wechat_fen"]) == (1200, 800)
    steps = [each["to_state"] for each in delivered.case(case)["history"]]
    assert steps == ["requested", "refunded"]
    audited()


def test_a_return_is_approved_sent_received_and_refunded(delivered, audited):
    case = delivered.asked("return_and_refund", 2, "no_longer_wanted")
    approved = delivered.supplier_does(case, "approve").get_json()
    assert approved["state"] == "awaiting_return"
    assert approved["return_to"]["detail"] == HOME["detail"]
    assert delivered.member_does(case, "parcel", PARCEL).get_json()["state"] == "in_return"
    assert delivered.supplier_does(case, "receive").get_json()["state"] == "received"
    too_many = delivered.supplier_does(case, "accept-goods", {"restocked": 3})
    assert (too_many.status_code, too_many.get_json()["field"]) == (422, "restocked")
    done = delivered.supplier_does(case, "accept-goods", {"restocked": 1}).get_json()
    assert (done["state"], done["refunded_fen"]) == ("refunded", 5000)
    assert (delivered.beans(), delivered.wechat_back()) == (3000, 2000)
    assert stock_of(delivered.world, delivered.sku) == (9, 0)
    assert delivered.read()["state"] == "completed"
    audited()


def test_an_exchange_sends_other_goods_once_more(delivered, audited):
    case = delivered.returned("exchange", 1, reason="bad_quality")
    done = delivered.supplier_does(case, "accept-goods").get_json()
    assert (done["state"], done["refunded_fen"]) == ("replaced", None)
    assert stock_of(delivered.world, delivered.sku) == (7, 0)
    parts = delivered.member.get(f"{delivered.path}/fulfillment-orders").get_json()["items"]
    again = parts[1]
    assert (again["id"], again["case_id"]) == (done["replacement_id"], case["id"])
    path = f"/v1/supplier/fulfillment-orders/{again['id']}/shipments"
    assert delivered.supplier.post(path, PARCEL).get_json()["state"] == "dispatched"
    confirm = f"/v1/store/fulfillment-orders/{again['id']}/confirm"
    assert delivered.member.post(confirm).status_code == 200
    # What came instead may be bad as well.
    assert delivered.ask("return_and_refund", 2).status_code == 201
    audited()


def test_case_19_an_exchange_of_what_is_sold_out_is_refunded(delivered, audited):
    case = delivered.returned("exchange")
    set_stock(delivered.world, delivered.sku, 0)
    refused = delivered.supplier_does(case, "accept-goods")
    assert (refused.status_code, code(refused)) == (409, "exchange_sold_out")
    done = delivered.supplier_does(case, "accept-goods", {"refund_instead": True}).get_json()
    assert (done["state"], done["refunded_fen"]) == ("refunded", 2500)
    audited()


def test_case_19_asked_twice_the_units_are_taken_once(delivered, audited):
    assert delivered.ask("return_and_refund", 2).status_code == 201
    again = delivered.ask("return_and_refund", 1)
    assert (again.status_code, code(again)) == (409, "nothing_to_ask")
    assert again.get_json()["field"] == "quantity"
    audited()


def test_case_19_a_refusal_is_appealed_and_granted(delivered, audited):
    case = delivered.asked()
    assert delivered.supplier_does(case, "reject", {"note": "照片看不出"}).status_code == 200
    told = delivered.member.get("/v1/store/notices").get_json()["items"]
    assert told[0]["kind"] == "after_sales"
    assert code(delivered.supplier_does(case, "approve")) == "wrong_state"
    assert delivered.member_does(case, "appeal", {"note": "见第二张"}).status_code == 200
    waiting = new_staff(delivered.world, "operator").get("/v1/ops/after-sales?state=appealed")
    assert [each["id"] for each in waiting.get_json()["items"]] == [case["id"]]
    done = delivered.operator_decides(case).get_json()
    assert (done["state"], done["refunded_fen"]) == ("refunded", 2500)
    audited()


def test_an_appeal_may_be_dismissed_or_granted_in_part(delivered, audited):
    cases = [delivered.asked(), delivered.asked()]
    for case in cases:
        delivered.supplier_does(case, "reject", {"note": "不属实"})
        delivered.member_does(case, "appeal", {"note": "属实"})
    assert delivered.operator_decides(cases[0], is_granted=False).get_json()["state"] == "dismissed"
    too_much = delivered.operator_decides(cases[1], amount_fen=2501)
    assert (too_much.status_code, code(too_much)) == (422, "amount_too_high")
    done = delivered.operator_decides(cases[1], amount_fen=1000).get_json()
    assert (done["state"], done["refunded_fen"]) == ("refunded", 1000)
    # What was dismissed is free to be asked for again; what was refunded is not.
    assert delivered.ask(quantity=2).get_json()["code"] == "nothing_to_ask"
    assert delivered.ask().status_code == 201
    audited()


def test_case_19_goods_that_came_back_damaged_are_refused_then_arbitrated(delivered, audited):
    case = delivered.returned()
    refused = delivered.supplier_does(case, "reject", {"note": "商品已使用"}).get_json()
    assert refused["state"] == "rejected"
    delivered.member_does(case, "appeal", {"note": "未使用"})
    done = delivered.operator_decides(case, amount_fen=1200).get_json()
    assert (done["state"], done["refunded_fen"]) == ("refunded", 1200)
    audited()


@pytest.mark.parametrize("kind", ["refund_only", "return_and_refund"])
def test_silence_of_the_supplier_approves(delivered, audited, kind):
    case = delivered.asked(kind)
    later(hours=47)
    assert run_sweep(delivered.world, "decide_by_silence") == 0
    later(hours=2)
    assert run_sweep(delivered.world, "decide_by_silence") == 1
    expected = {"refund_only": "refunded", "return_and_refund": "awaiting_return"}[kind]
    assert delivered.case(case)["state"] == expected
    assert delivered.case(case)["history"][-1]["actor"] == "system"
    audited()


def test_silence_of_a_supplier_without_a_return_address_refunds(delivered, audited):
    execute_sql(delivered.world, "DELETE FROM return_address")
    case = delivered.asked("return_and_refund")
    assert code(delivered.supplier_does(case, "approve")) == "no_return_address"
    later(hours=49)
    assert run_sweep(delivered.world, "decide_by_silence") == 1
    assert delivered.case(case)["state"] == "refunded"
    audited()


def test_silence_about_what_was_sent_back_refunds_it(delivered, audited):
    case = delivered.asked("return_and_refund")
    delivered.supplier_does(case, "approve")
    delivered.member_does(case, "parcel", PARCEL)
    later(days=11)
    assert run_sweep(delivered.world, "decide_by_silence") == 1
    steps = [each["to_state"] for each in delivered.case(case)["history"]]
    assert steps[-2:] == ["received", "refunded"]
    audited()


def test_silence_about_an_exchange_that_is_sold_out_refunds_it(delivered, audited):
    case = delivered.returned("exchange")
    set_stock(delivered.world, delivered.sku, 0)
    later(hours=49)
    assert run_sweep(delivered.world, "decide_by_silence") == 1
    assert delivered.case(case)["state"] == "refunded"
    audited()


def test_a_member_who_does_not_send_back_or_appeal_gives_up(delivered, audited):
    to_return, refused = delivered.asked("return_and_refund"), delivered.asked()
    delivered.supplier_does(to_return, "approve")
    delivered.supplier_does(refused, "reject", {"note": "不属实"})
    later(days=8)
    assert run_sweep(delivered.world, "decide_by_silence") == 2
    assert [delivered.case(each)["state"] for each in (to_return, refused)] == ["lapsed"] * 2
    audited()


def test_a_member_may_withdraw_until_the_goods_travel(delivered, audited):
    case = delivered.asked("return_and_refund", 2)
    assert delivered.member_does(case, "withdraw").get_json()["state"] == "withdrawn"
    assert delivered.member_does(case, "withdraw").status_code == 200
    case = delivered.asked("return_and_refund", 2)
    delivered.supplier_does(case, "approve")
    delivered.member_does(case, "parcel", PARCEL)
    assert code(delivered.member_does(case, "withdraw")) == "wrong_state"
    audited()


def test_after_fifteen_days_it_is_too_late(delivered):
    later(days=16)
    late = delivered.ask()
    assert (late.status_code, code(late)) == (409, "after_sales_over")


@pytest.mark.parametrize(
    ("body", "status", "expected"),
    [
        ({"quantity": 0}, 422, "validation_failed"),
        ({"quantity": 3}, 409, "nothing_to_ask"),
        ({"amount_fen": 2501}, 422, "amount_too_high"),
        ({"amount_fen": 0}, 422, "amount_too_high"),
        ({"reason": "mood"}, 422, "validation_failed"),
        ({"kind": "gift"}, 422, "validation_failed"),
        ({"photos": ["http://x/y.jpg"]}, 422, "validation_failed"),
        ({"photos": ["/media/a"] * 10}, 422, "validation_failed"),
        ({"description": "字" * 501}, 422, "validation_failed"),
        ({"line_id": "019a3c5e-0000-7000-8000-000000000001"}, 404, "not_found"),
    ],
)
def test_what_makes_no_sense_is_refused_and_nothing_kept(
    delivered, audited, body, status, expected
):
    reply = delivered.ask(**{"quantity": 1, **body}) if "line_id" not in body else None
    if reply is None:
        asked = {"kind": "refund_only", "quantity": 1, "reason": "damaged", **body}
        reply = delivered.member.post(f"{delivered.path}/after-sales", asked)
    assert (reply.status_code, code(reply)) == (status, expected)
    assert count_rows(delivered.world, "after_sales_case") == 0
    audited()


def test_an_unpaid_order_has_no_after_sales(world):
    member = new_member(world)
    _, sku = new_sku(world, 1000)
    order = member.post("/v1/store/orders", order_body([sku], "wechat", 1000)).get_json()
    path = f"/v1/store/orders/{order['order_id']}"
    line = member.get(path).get_json()["lines"][0]["id"]
    body = {"line_id": line, "kind": "refund_only", "quantity": 1, "reason": "damaged"}
    assert code(member.post(f"{path}/after-sales", body)) == "wrong_state"


def test_a_key_used_again_opens_one_case(delivered):
    body = {
        "line_id": delivered.read()["lines"][0]["id"],
        "kind": "refund_only",
        "quantity": 1,
        "reason": "damaged",
    }
    path = f"{delivered.path}/after-sales"
    replies = [delivered.member.post(path, body, key="k1") for _ in range(3)]
    assert len({reply.data for reply in replies}) == 1
    assert count_rows(delivered.world, "after_sales_case") == 1


def test_case_39_another_member_or_supplier_sees_nothing(world, delivered):
    case = delivered.asked()
    stranger, other = new_member(world), new_staff(world, "supplier", new_supplier(world))
    assert stranger.get(f"/v1/store/after-sales/{case['id']}").status_code == 404
    assert stranger.post(f"/v1/store/after-sales/{case['id']}/withdraw").status_code == 404
    assert other.get(f"/v1/supplier/after-sales/{case['id']}").status_code == 404
    for what in ("approve", "receive", "accept-goods"):
        path = f"/v1/supplier/after-sales/{case['id']}/{what}"
        assert other.post(path, {}).status_code == 404
    body = {"line_id": delivered.read()["lines"][0]["id"], "kind": "refund_only"}
    body |= {"quantity": 1, "reason": "damaged"}
    assert stranger.post(f"{delivered.path}/after-sales", body).status_code == 404
    assert other.get("/v1/supplier/after-sales").get_json()["items"] == []
    assert stranger.get("/v1/store/after-sales").get_json()["items"] == []


def test_a_case_shows_a_photo_that_was_uploaded(delivered):
    content = io.BytesIO()
    Image.new("RGB", (40, 30), "red").save(content, "JPEG")
    sent = delivered.member.client.post(
        "/v1/store/images",
        data=content.getvalue(),
        headers={"Authorization": f"Bearer {delivered.member.token}", "Content-Type": "image/jpeg"},
    )
    url = sent.get_json()["url"]
    case = delivered.asked(photos=[url])
    assert delivered.case(case)["photos"] == [url]


def test_every_transition_of_the_table_has_somebody_who_makes_it():
    """The table says what is possible; nothing leads out of an end, and every state is reached."""
    reached = set().union(*after_sales_rules.STATES.table.values()) | {after_sales_rules.REQUESTED}
    assert reached == set(after_sales_rules.STATES.states)
    assert all(not after_sales_rules.STATES.table[state] for state in after_sales_rules.ENDED)


def test_a_sale_of_a_second_line_is_a_case_of_its_own(world, audited):
    sale = Sale(world)
    supplier_id = new_supplier(world)
    _, other = new_sku(world, 1000, 10, supplier_id)
    body = order_body([sale.sku, other], "wechat", None)
    sale.order = sale.place(body)
    sale.dispatch()
    assert len(sale.read()["lines"]) == 2
    first = sale.asked(line=0)
    assert sale.supplier_does(first, "approve").status_code == 200
    audited()


def test_nothing_is_asked_of_what_cost_nothing(delivered, monkeypatch):
    """A gift in a pack, for example: its share of the price is nothing."""
    monkeypatch.setattr(reimbursing, "left_of_line", lambda *_: (0, False))
    reply = delivered.ask(quantity=1)
    assert (reply.status_code, code(reply)) == (409, "nothing_to_ask")
    assert count_rows(delivered.world, "after_sales_case") == 0
