"""Two suppliers, two programmes, two unions, two merchants: what is one's never moves the other's."""

from uuid import UUID

import pytest
from sqlalchemy import select

from catalog.products.rules import SkuForm
from catalog.suppliers.rules import FreightRule
from catalog.suppliers.service import supplying
from mall.kernel.uow import unit_of_work
from orders.order import queries as order_queries
from orders.order import rules as order_rules
from orders.order import service as order_service
from orders.order.models import OrderLine
from tests.support.database import count_rows, execute_sql, select_rows
from tests.support.giving import Union
from tests.support.people import new_member, new_staff, order_body
from tests.support.selling import HOME, Sale
from tests.support.shop import charge_freight, new_sku, new_supplier
from tests.support.working import run_outbox


def act(world, work):
    with world.app.app_context(), unit_of_work() as uow:
        return work(uow)


def placed(world, member, skus, tender="beans", quantity=1):
    body = order_body(skus, tender, None, quantity)
    total = member.post("/v1/store/checkout/quote", body).get_json()["total_fen"]
    reply = member.post("/v1/store/orders", {**body, "quoted_total_fen": total})
    assert reply.status_code == 201, reply.get_json()
    return reply.get_json()


def history(member, order):
    steps = member.get(f"/v1/store/orders/{order['order_id']}").get_json()["history"]
    return [(step["from_state"], step["to_state"]) for step in steps]


def test_an_order_that_beans_cover_tells_both_of_its_first_steps(world, audited):
    member = new_member(world, beans_fen=1000)
    order = placed(world, member, [new_sku(world, 1000)[1]])
    assert history(member, order) == [
        (None, "awaiting_payment"),
        ("awaiting_payment", "paid"),
    ]
    waiting = placed(world, member, [new_sku(world, 1000)[1]], "wechat")
    assert history(member, waiting) == [(None, "awaiting_payment")]
    audited()


def test_an_order_is_completed_once_and_never_from_the_wrong_state(world):
    member = new_member(world, beans_fen=1000)
    order_id = UUID(placed(world, member, [new_sku(world, 1000)[1]])["order_id"])
    for _ in range(2):
        act(world, lambda uow: order_service.complete(uow, order_id, "system"))
    assert count_rows(world, "order_event WHERE to_state = 'completed'") == 1
    waiting = UUID(placed(world, member, [new_sku(world, 1000)[1]], "wechat")["order_id"])
    for move in (order_service.complete, order_service.cancel_wholly_returned):
        refused = order_id if move is order_service.cancel_wholly_returned else waiting
        arguments = (
            (refused,) if move is order_service.cancel_wholly_returned else (refused, "system")
        )
        with pytest.raises(Exception, match="wrong_state"):
            act(world, lambda uow, m=move, a=arguments: m(uow, *a))
    with pytest.raises(Exception, match="wrong_state"):
        act(world, lambda uow: order_service.begin_dispatch(uow, waiting))


def test_units_beyond_the_line_are_never_counted_as_returned(world):
    member = new_member(world, beans_fen=3000)
    order_id = UUID(placed(world, member, [new_sku(world, 1000)[1]], quantity=3)["order_id"])

    def back(uow, quantity):
        line = uow.session.scalars(select(OrderLine).where(OrderLine.order_id == order_id)).one()
        order_service.count_returned(uow, line, quantity)
        return line.returned_quantity

    assert [act(world, lambda uow, n=n: back(uow, n)) for n in (1, 1, 5)] == [1, 2, 3]


def test_a_members_orders_are_listed_by_state_page_by_page_and_for_nobody_else(world):
    member, other = new_member(world, beans_fen=5000), new_member(world)
    skus = [new_sku(world, 1000)[1] for _ in range(3)]
    made = [placed(world, member, [sku])["order_id"] for sku in skus]
    placed(world, member, [skus[0]], "wechat")
    path = "/v1/store/orders?state=paid&limit=2"
    first = member.get(path).get_json()
    rest = member.get(f"{path}&cursor={first['next_cursor']}").get_json()
    assert [each["id"] for each in first["items"] + rest["items"]] == made[::-1]
    assert rest["next_cursor"] is None
    assert other.get("/v1/store/orders").get_json()["items"] == []
    assert other.get(f"/v1/store/orders/{made[0]}").status_code == 404


def test_one_suppliers_freight_comes_back_without_the_others(world, audited):
    """Two suppliers in an order, each with freight: the last goods of one take its freight along."""
    sale = Sale(world, quantity=1, price=1000, beans=20_000, freight=300)
    other_id = new_supplier(world)
    other = new_staff(world, "supplier", other_id)
    other.put("/v1/supplier/after-sales/return-address", HOME)
    product, sku = new_sku(world, 2000, 5, other_id)
    charge_freight(world, other_id, [product], 700)
    sale.order = sale.place(order_body([sale.sku, sku], "beans", None))
    before = sale.beans()
    case = sale.asked("refund_only", 1, "no_longer_wanted", line=0)
    done = sale.supplier_does(case, "approve").get_json()
    assert (done["refunded_fen"], done["freight_fen"]) == (1000, 300)
    assert sale.beans() == before + 1300
    case = sale.asked("refund_only", 1, "no_longer_wanted", line=1)
    done = other.post(f"/v1/supplier/after-sales/{case['id']}/approve", {}).get_json()
    assert (done["refunded_fen"], done["freight_fen"]) == (2000, 700)
    assert sale.read()["state"] == "cancelled"
    audited()


@pytest.mark.parametrize(
    ("quantity", "fee"), [(1, 1000), (2, 1000), (3, 1200), (4, 1400), (5, 1600)]
)
def test_freight_by_weight_counts_every_unit(world, audited, quantity, fee):
    """1 kg for ¥10, each further 500 g ¥2; a unit weighs 500 g, and another SKU 0.2 kg beside it."""
    member, supplier_id = new_member(world, beans_fen=99_999), new_supplier(world)
    form = SkuForm("W-1", (), 1000, 1000, weight_grams=500)
    _, sku = new_sku(world, 1000, 50, supplier_id, sku_form=form)
    tariff = (FreightRule((), True, 1000, 1000, 500, 200),)

    def charge(uow):
        template = supplying.TemplateForm("按重量", "weight", None, tariff)
        return supplying.add_template(uow, supplier_id, template)

    template_id = act(world, charge)
    execute_sql(world, "UPDATE product SET shipping_template_id = :t", t=template_id)
    body = order_body([sku], "beans", None, quantity)
    quote = member.post("/v1/store/checkout/quote", body).get_json()
    assert quote["freight_fen"] == fee
    audited()


def test_two_programmes_that_pay_one_order_each_get_their_own_back(world, audited):
    first, second = Union(world), Union(world)
    rows = first.people(1)
    phone = rows[0][1]
    member = first.members[phone]
    second.members = {phone: member}
    programmes = [
        union.issued(kind="open", per_member_fen=fen, roster_id=union.roster(rows))
        for union, fen in ((first, 1000), (second, 3000))
    ]
    skus = [new_sku(world, fen)[1] for fen in (1000, 2000)]
    order = placed(world, member, skus)
    carried = select_rows(world, "SELECT programme_id, amount_fen FROM order_programme")
    assert sum(row.amount_fen for row in carried) == 3000
    # Both unions' people see their own dashboards, and neither the other's money.
    spent = {
        str(programme): union.auditor.get(f"/v1/union/programmes/{programme}/dashboard").get_json()[
            "money"
        ]["outstanding_fen"]
        for union, programme in zip((first, second), programmes, strict=True)
    }
    assert sum(spent.values()) == 1000
    member.post(f"/v1/store/orders/{order['order_id']}/cancel")
    run_outbox(world)
    for union, programme, fen in zip((first, second), programmes, (1000, 3000), strict=True):
        money = union.auditor.get(f"/v1/union/programmes/{programme}/dashboard").get_json()["money"]
        assert money["outstanding_fen"] == fen
    audited()


def test_one_phone_in_the_rosters_of_two_unions_claims_both(world, audited):
    first, second = Union(world), Union(world)
    rows = first.people(1, members_too=False)
    ids = [
        union.issued(kind="open", per_member_fen=fen, roster_id=union.roster(rows))
        for union, fen in ((first, 1000), (second, 2500))
    ]
    member = first.member(rows[0][1])
    run_outbox(world)
    assert member.get("/v1/store/beans").get_json()["balance_fen"] == 3500
    rights = member.get("/v1/store/entitlements").get_json()["items"]
    assert {right["programme_id"] for right in rights} == set(ids)
    audited()


def test_a_transfer_of_one_programme_is_not_confirmed_for_another(world, audited):
    union = Union(world)
    packs = [union.pack(30_000)[0] for _ in range(2)]
    ids = [
        union.approved(roster_id=union.roster(union.people(1)), pack_ids=packs) for _ in range(2)
    ]
    body = {"amount_fen": 30_000, "bank_reference": "T-1", "payer": "工会"}
    row = union.handler.post(f"/v1/union/programmes/{ids[0]}/transfers", body).get_json()
    wrong = f"/v1/ops/programmes/{ids[1]}/transfers/{row['id']}/confirm"
    assert union.operator.post(wrong).status_code == 404
    assert [union.bill(each)["received_fen"] for each in ids] == [0, 0]
    right = f"/v1/ops/programmes/{ids[0]}/transfers/{row['id']}/confirm"
    assert union.operator.post(right).status_code == 200
    assert [union.bill(each)["received_fen"] for each in ids] == [30_000, 0]
    assert [union.read(each)["state"] for each in ids] == ["funded", "approved"]
    audited()


def test_a_states_table_knows_every_way_and_no_other():
    ways = {(a, b) for a, ends in order_rules.STATES.table.items() for b in ends}
    assert ways == {
        ("awaiting_payment", "paid"),
        ("awaiting_payment", "cancelled"),
        ("paid", "completed"),
        ("paid", "cancelled"),
    }
    assert order_queries.INVARIANTS
