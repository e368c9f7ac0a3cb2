"""A supplier sets its stock; every change is a movement."""

import psycopg
import pytest

from catalog.stock import service as stock_service
from catalog.stock.rules import OutOfStock
from mall.kernel.uow import unit_of_work
from tests.support.database import database_url_of, execute_sql, select_rows
from tests.support.people import new_member, new_staff, order_body
from tests.support.shop import new_sku, new_supplier, stock_of
from tests.support.working import in_another_thread, run_sweep


def test_setting_stock_moves_the_difference(world, audited):
    supplier_id = new_supplier(world)
    supplier = new_staff(world, "supplier", supplier_id)
    _, sku = new_sku(world, 1000, 0, supplier_id)
    path = f"/v1/supplier/skus/{sku}/stock"
    assert supplier.put(path, {"on_hand": 7, "reason": "到货"}).get_json()["available"] == 7
    supplier.put(path, {"on_hand": 7})
    supplier.put(path, {"on_hand": 4, "reason": "报损"})
    moved = select_rows(
        world,
        "SELECT quantity, cause, reference FROM stock_movement WHERE sku_id = :id ORDER BY id",
        id=sku,
    )
    assert [tuple(row) for row in moved] == [(7, "stocktake", "到货"), (-3, "stocktake", "报损")]
    audited()


def test_stock_never_goes_below_what_open_orders_have_reserved(world, audited):
    supplier_id = new_supplier(world)
    supplier = new_staff(world, "supplier", supplier_id)
    _, sku = new_sku(world, 1000, 5, supplier_id)
    member = new_member(world)
    assert member.post("/v1/store/orders", order_body([sku], "wechat", 1000)).status_code == 201
    reply = supplier.put(f"/v1/supplier/skus/{sku}/stock", {"on_hand": 0})
    assert (reply.status_code, reply.get_json()["code"]) == (409, "stock_below_reserved")
    assert supplier.get(f"/v1/supplier/skus/{sku}/stock").get_json() == {
        "sku_id": str(sku),
        "on_hand": 5,
        "reserved": 1,
        "available": 4,
    }
    audited()


def test_negative_and_absurd_stock_is_refused(world):
    supplier_id = new_supplier(world)
    supplier = new_staff(world, "supplier", supplier_id)
    _, sku = new_sku(world, 1000, 5, supplier_id)
    for on_hand in (-1, 10_000_001, 1.5, "7"):
        reply = supplier.put(f"/v1/supplier/skus/{sku}/stock", {"on_hand": on_hand})
        assert (reply.status_code, reply.get_json()["field"]) == (422, "on_hand")
    assert stock_of(world, sku) == (5, 0)


def test_anothers_stock_is_not_found(world):
    """Case 39."""
    _, sku = new_sku(world, 1000, 5)
    stranger = new_staff(world, "supplier", new_supplier(world))
    assert stranger.get(f"/v1/supplier/skus/{sku}/stock").status_code == 404
    assert stranger.put(f"/v1/supplier/skus/{sku}/stock", {"on_hand": 0}).status_code == 404
    assert stock_of(world, sku) == (5, 0)


def test_stock_is_adjusted_with_a_cause_and_every_movement_is_listed(world):
    supplier_id = new_supplier(world)
    _, sku = new_sku(world, 100, 10, supplier_id)
    supplier = new_staff(world, "supplier", supplier_id)
    path = f"/v1/supplier/skus/{sku}/stock"
    body = {"change": -3, "cause": "damaged", "reason": "运输破损"}
    first, again = (supplier.post(f"{path}/adjustments", body, key="one") for _ in range(2))
    assert (first.status_code, first.get_json()["on_hand"]) == (201, 7)
    assert again.get_json() == first.get_json()
    moved = supplier.get(f"{path}/movements").get_json()["items"]
    assert [(each["quantity"], each["cause"], each["reference"]) for each in moved] == [
        (-3, "damaged", "运输破损"),
        (10, "test", "test"),
    ]
    too_much = supplier.post(f"{path}/adjustments", body | {"change": -8})
    assert (too_much.status_code, too_much.get_json()["field"]) == (422, "change")
    assert stock_of(world, sku) == (7, 0)


def test_low_stock_lists_what_is_at_or_below_its_mark(world):
    supplier_id = new_supplier(world)
    supplier = new_staff(world, "supplier", supplier_id)
    low, fine, gone = (new_sku(world, 100, count, supplier_id)[1] for count in (3, 4, 0))
    execute_sql(world, "UPDATE sku SET low_stock_at = 3 WHERE id = ANY(:ids)", ids=[low, fine])
    found = supplier.get("/v1/supplier/skus/low-stock").get_json()["items"]
    assert {(each["sku_id"], each["available"]) for each in found} == {
        (str(low), 3),
        (str(gone), 0),
    }


def test_counting_waits_for_nobody_who_changes_products(world):
    """An operator approves many products in one transaction while the sweep counts them all."""
    products = [new_sku(world, 1000, 5)[0] for _ in range(3)]
    with psycopg.connect(database_url_of(world)) as connection:
        connection.execute("SELECT FROM product WHERE id = ANY(%s) FOR UPDATE", [products])
        assert in_another_thread(lambda: run_sweep(world, "count_availability")) == 3
        connection.rollback()


@pytest.mark.parametrize("change", [1, -1])
def test_a_single_unit_is_a_movement_as_well(world, audited, change):
    supplier_id = new_supplier(world)
    _, sku = new_sku(world, 1000, 5, supplier_id)
    supplier = new_staff(world, "supplier", supplier_id)
    body = {"change": change, "cause": "received", "reason": "清点"}
    path = f"/v1/supplier/skus/{sku}/stock/adjustments"
    assert supplier.post(path, body).get_json()["on_hand"] == 5 + change
    assert stock_of(world, sku) == (5 + change, 0)
    [moved] = select_rows(world, "SELECT quantity FROM stock_movement WHERE reference = '清点'")
    assert moved.quantity == change
    audited()


@pytest.mark.parametrize(("quantity", "left"), [(1, 4), (4, 1)])
def test_what_no_order_has_reserved_is_taken_from_the_shelf(world, quantity, left):
    """Of five one is reserved: four can be taken, and not one more."""
    _, sku = new_sku(world, 1000, 5)
    new_member(world).post("/v1/store/orders", order_body([sku], "wechat", 1000))
    with world.app.app_context(), unit_of_work() as uow:
        stock_service.take_free(uow, sku, quantity, "exchange", "case:1")
    assert stock_of(world, sku) == (left, 1)
    with world.app.app_context(), pytest.raises(OutOfStock), unit_of_work() as uow:
        stock_service.take_free(uow, sku, left, "exchange", "case:2")
    assert stock_of(world, sku) == (left, 1)


def test_what_a_new_sku_is_stocked_with_is_all_there_to_be_sold(world, audited):
    """As an import does: the SKU has no row of stock yet."""
    _, sku = new_sku(world, 1000, 0)
    execute_sql(world, "DELETE FROM stock_level WHERE sku_id = :id", id=sku)
    with world.app.app_context(), unit_of_work() as uow:
        uow.defer(stock_service.stocking({sku: 6}, "first", uow.now))
    assert stock_of(world, sku) == (6, 0)
    audited()
