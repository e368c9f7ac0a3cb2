"""Operators open and suspend suppliers; suppliers keep their tariffs."""

import secrets

import pytest

from mall.web.replies import shop_window
from tests.support.people import new_member, new_staff, order_body
from tests.support.shop import new_sku, new_supplier

TARIFF = {"name": "默认", "charge_by": "piece", "rules": [{"first_fee_fen": 800}]}


def test_a_supplier_is_opened_once_by_name(world):
    operator, name = new_staff(world, "operator"), f"供应商 {secrets.token_hex(4)}"
    assert operator.post("/v1/ops/suppliers", {"name": name}).get_json()["state"] == "active"
    again = operator.post("/v1/ops/suppliers", {"name": name})
    assert (again.status_code, again.get_json()["code"]) == (409, "supplier_name_taken")


def test_a_suspended_supplier_leaves_the_shop_window_and_sells_nothing(world):
    operator, member = new_staff(world, "operator"), new_member(world, beans_fen=5000)
    supplier_id = new_supplier(world)
    product_id, sku = new_sku(world, 1000, supplier_id=supplier_id)
    path = f"/v1/ops/suppliers/{supplier_id}/state"
    assert operator.put(path, {"state": "suspended"}).get_json()["state"] == "suspended"
    shop_window.clear()
    assert member.get(f"/v1/store/products/{product_id}").status_code == 404
    order = order_body([sku], "beans", 1000)
    refused = member.post("/v1/store/orders", order).get_json()
    assert refused["problems"] == [{"sku_id": str(sku), "code": "not_for_sale"}]
    operator.put(path, {"state": "active"})
    assert member.post("/v1/store/orders", order).status_code == 201


def test_a_closed_supplier_never_opens_again(world):
    operator, path = new_staff(world, "operator"), f"/v1/ops/suppliers/{new_supplier(world)}/state"
    assert operator.put(path, {"state": "closed"}).status_code == 200
    reply = operator.put(path, {"state": "active"})
    assert (reply.status_code, reply.get_json()["code"]) == (409, "wrong_state")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"charge_by": "volume"}, "charge_by"),
        ({"rules": []}, "rules"),
        ({"rules": [{}, {}]}, "rules"),
        ({"rules": [{"regions": ["440000"]}, {"regions": ["440000"]}]}, "rules"),
        ({"rules": [{"first_fee_fen": -1}]}, "rules.0.first_fee_fen"),
        ({"free_over_fen": -1}, "free_over_fen"),
    ],
)
def test_a_bad_tariff_names_its_field(world, change, field):
    supplier = new_staff(world, "supplier", new_supplier(world))
    reply = supplier.post("/v1/supplier/shipping-templates", TARIFF | change)
    assert (reply.status_code, reply.get_json()["field"]) == (422, field)
    assert supplier.get("/v1/supplier/shipping-templates").get_json()["items"] == []


def test_a_supplier_has_at_most_twenty_tariffs(world):
    supplier = new_staff(world, "supplier", new_supplier(world))
    path = "/v1/supplier/shipping-templates"
    for number in range(20):
        assert supplier.post(path, TARIFF | {"name": f"运费 {number}"}).status_code == 201
    reply = supplier.post(path, TARIFF | {"name": "又一"})
    assert (reply.status_code, reply.get_json()["code"]) == (409, "limit_reached")


def test_anothers_tariff_is_not_found(world):
    """Case 39."""
    owner = new_staff(world, "supplier", new_supplier(world))
    stranger = new_staff(world, "supplier", new_supplier(world))
    tariff = owner.post("/v1/supplier/shipping-templates", TARIFF).get_json()
    reply = stranger.put(f"/v1/supplier/shipping-templates/{tariff['id']}", TARIFF)
    assert reply.status_code == 404
