"""A SKU with a member limit: so many units within so many days, over all orders and phones."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from catalog.products.rules import SkuForm
from mall.kernel import clock
from tests.support.database import execute_sql, select_rows
from tests.support.people import new_member, order_body, same_person
from tests.support.selling import Sale
from tests.support.shop import new_sku, new_supplier, qualify, stock_of


def limited(world):
    form = SkuForm("L-1", (), 1000, 1000, member_limit=3, member_limit_days=30)
    return new_sku(world, 1000, 50, sku_form=form)[1]


def test_a_member_orders_no_more_than_the_limit_over_several_orders(world):
    """Case 8."""
    sku, member = limited(world), new_member(world, beans_fen=10_000)
    two = order_body([sku], total_fen=2000, quantity=2)
    assert member.post("/v1/store/orders", two).status_code == 201
    refused = member.post("/v1/store/orders", two)
    assert (refused.status_code, refused.get_json()["code"]) == (409, "member_limit_reached")
    assert refused.get_json()["field"] == "lines.0.quantity"
    quote = member.post("/v1/store/checkout/quote", order_body([sku], quantity=2))
    assert quote.get_json()["code"] == "member_limit_reached"
    one = order_body([sku], total_fen=1000)
    assert member.post("/v1/store/orders", one).status_code == 201
    assert stock_of(world, sku) == (47, 0)
    assert new_member(world, beans_fen=5000).post("/v1/store/orders", one).status_code == 201


def test_what_was_ordered_before_the_period_or_cancelled_does_not_count(world):
    sku, member = limited(world), new_member(world, beans_fen=10_000)
    now = datetime.now(UTC)
    clock.freeze(now - timedelta(days=31))
    three = order_body([sku], total_fen=3000, quantity=3)
    assert member.post("/v1/store/orders", three).status_code == 201
    clock.freeze(now)
    by_wechat = order_body([sku], "wechat", 3000, quantity=3)
    placed = member.post("/v1/store/orders", by_wechat).get_json()
    assert member.post("/v1/store/orders", three).status_code == 409
    member.post(f"/v1/store/orders/{placed['order_id']}/cancel")
    assert member.post("/v1/store/orders", three).status_code == 201


def test_units_whose_price_went_back_do_not_count(world, audited):
    """A refund of one unit gives one back, a price reduction none; before and after dispatch."""
    form = SkuForm("L-1", (), 1000, 1000, member_limit=4, member_limit_days=30)
    sale = Sale(world, quantity=4, price=1000, beans=9000, sku_form=form)
    one = order_body([sale.sku], total_fen=1000)

    def refunded(**asked):
        case = sale.asked("refund_only", **asked)
        assert sale.supplier_does(case, "approve").get_json()["state"] == "refunded"

    def is_free():
        reply = sale.member.post("/v1/store/checkout/quote", order_body([sale.sku]))
        return reply.status_code == 200

    assert not is_free()
    refunded(quantity=1, reason="no_longer_wanted")
    assert sale.member.post("/v1/store/orders", one).status_code == 201
    assert not is_free()
    sale.deliver()
    refunded(quantity=1, reason="damaged", amount_fen=400)
    assert not is_free()
    refunded(quantity=2, reason="damaged")
    assert sale.member.post("/v1/store/orders", one).status_code == 201
    assert sale.member.post("/v1/store/orders", one).status_code == 201
    assert not is_free()
    audited()


def test_two_phones_cannot_both_take_the_last_of_a_limit(world):
    sku, member = limited(world), new_member(world, beans_fen=50_000)
    phones = [same_person(world, member) for _ in range(8)]
    body = order_body([sku], total_fen=1000)
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda phone: phone.post("/v1/store/orders", body), phones))
    assert sorted(reply.status_code for reply in replies) == [201] * 3 + [409] * 5
    assert stock_of(world, sku) == (47, 0)


def test_a_line_remembers_qualification_and_origin_of_its_sale(world):
    supplier_id = new_supplier(world)
    qualification = qualify(world, supplier_id, "assistance", region_code="440825")
    execute_sql(
        world, "UPDATE supplier SET origin_region_code = '440825' WHERE id = :id", id=supplier_id
    )
    _, own = new_sku(world, 1000, 5, supplier_id, origin_region_code="440882")
    _, inherited = new_sku(world, 1000, 5, supplier_id)
    _, other = new_sku(world, 1000, 5)
    member = new_member(world, beans_fen=5000)
    member.post("/v1/store/orders", order_body([own, inherited, other], total_fen=3000))
    execute_sql(world, "UPDATE supplier SET origin_region_code = '440811'")
    rows = select_rows(
        world,
        "SELECT sku_id, origin_region_code, assistance_id, assistance_region_code FROM order_line",
    )
    assert {row[0]: tuple(row[1:]) for row in rows} == {
        own: ("440882", qualification, "440825"),
        inherited: ("440825", qualification, "440825"),
        other: (None, None, None),
    }
