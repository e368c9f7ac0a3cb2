"""The cart tells what changed since something was put into it."""

from uuid import uuid4

import pytest

from catalog.products import rules as product_rules
from catalog.products.rules import SkuForm
from orders.carts import rules as cart_rules
from tests.support.people import login_again, new_member, new_staff
from tests.support.shop import fill_cart, new_sku, new_supplier, reprice, set_stock


def put(member, sku, quantity=1, **more):
    return member.put(f"/v1/store/cart/{sku}", {"quantity": quantity, **more})


def changes(member):
    return [item["changes"] for item in member.get("/v1/store/cart").get_json()["items"]]


def test_a_cart_is_kept_on_the_server_and_summed(world):
    member = new_member(world)
    (_, cheap), (_, dear) = new_sku(world, 100), new_sku(world, 1000)
    put(member, cheap, 3)
    put(member, dear, 2)
    cart = put(login_again(world, member), cheap, 4).get_json()
    assert (len(cart["items"]), cart["goods_fen"]) == (2, 2400)
    assert member.delete(f"/v1/store/cart/{dear}").get_json()["goods_fen"] == 400


def test_a_changed_price_is_reported_and_nothing_is_charged_on_the_old_one(world, audited):
    """Case 5."""
    member, supplier_id = new_member(world, beans_fen=5000), new_supplier(world)
    product_id, sku = new_sku(world, 1000, supplier_id=supplier_id)
    put(member, sku)
    reprice(world, supplier_id, product_id, 1200)
    assert changes(member) == [["price_changed"]]
    body = {"tender": "beans", "quoted_total_fen": 1000}
    refused = member.post("/v1/store/orders", body)
    assert (refused.status_code, refused.get_json()["code"]) == (409, "quote_changed")
    assert refused.get_json()["total_fen"] == 1200
    assert member.get("/v1/store/beans").get_json()["balance_fen"] == 5000
    assert changes(member) == [["price_changed"]]
    placed = member.post("/v1/store/orders", body | {"quoted_total_fen": 1200})
    assert placed.get_json()["total_fen"] == 1200
    assert changes(member) == []
    audited()


@pytest.mark.parametrize("how", ["unpublish", "suspend"])
def test_what_left_the_sale_is_reported_and_cannot_be_ordered(world, how):
    """Case 5."""
    member, supplier_id = new_member(world, beans_fen=5000), new_supplier(world)
    product_id, sku = new_sku(world, 1000, supplier_id=supplier_id)
    put(member, sku)
    if how == "unpublish":
        supplier = new_staff(world, "supplier", supplier_id)
        supplier.post(f"/v1/supplier/products/{product_id}/unpublish")
    else:
        path = f"/v1/ops/suppliers/{supplier_id}/state"
        new_staff(world, "operator").put(path, {"state": "suspended"})
    assert changes(member) == [["not_for_sale"]]
    assert member.get("/v1/store/cart").get_json()["goods_fen"] == 0
    reply = member.post("/v1/store/orders", {"tender": "beans", "quoted_total_fen": 1000})
    assert reply.get_json()["problems"] == [{"sku_id": str(sku), "code": "not_for_sale"}]


@pytest.mark.parametrize(("left", "expected"), [(0, "sold_out"), (1, "too_few_left")])
def test_short_stock_is_reported_and_cannot_be_ordered(world, left, expected):
    """Case 5."""
    member = new_member(world, beans_fen=5000)
    _, sku = new_sku(world, 1000, 5)
    put(member, sku, 2)
    set_stock(world, sku, left)
    assert changes(member) == [[expected]]
    reply = member.post("/v1/store/orders", {"tender": "beans", "quoted_total_fen": 2000})
    [problem] = reply.get_json()["problems"]
    assert (problem["code"], problem["available"]) == (expected, str(left))


@pytest.mark.parametrize("quantity", [0, -1, 10_000, 1.5, "2", None])
def test_a_quantity_must_make_sense(world, quantity):
    """Case 8."""
    member = new_member(world)
    reply = put(member, new_sku(world, 1000)[1], quantity)
    assert (reply.status_code, reply.get_json()["field"]) == (422, "quantity")
    assert changes(member) == []


def test_a_quantity_over_the_skus_maximum_is_refused(world):
    """Case 8."""
    form = SkuForm("A", (), 1000, 1000, max_per_order=3)
    reply = put(new_member(world), new_sku(world, 1000, sku_form=form)[1], 4)
    assert (reply.status_code, reply.get_json()["field"]) == (422, "quantity")


def test_a_mode_the_product_does_not_have_is_refused(world):
    reply = put(
        new_member(world), new_sku(world, 1000)[1], delivery_mode=product_rules.STORE_PICKUP
    )
    assert (reply.status_code, reply.get_json()["field"]) == (422, "delivery_mode")


def test_an_unknown_sku_is_not_found(world):
    assert put(new_member(world), uuid4()).status_code == 404


def test_a_cart_holds_at_most_a_hundred_lines(world, monkeypatch):
    assert cart_rules.MAX_LINES == 100
    monkeypatch.setattr(cart_rules, "MAX_LINES", 3)
    member = new_member(world)
    fill_cart(world, member, 3)
    reply = put(member, new_sku(world, 100)[1])
    assert (reply.status_code, reply.get_json()["code"]) == (409, "limit_reached")


def test_a_cart_is_its_members_own(world):
    """Case 39."""
    member, stranger = new_member(world), new_member(world)
    put(member, new_sku(world, 100)[1])
    assert changes(stranger) == []
