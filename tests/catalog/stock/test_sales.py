"""How many of a product were sold is counted from what moved since the last sum, and is all there is."""

import threading
from datetime import timedelta

import pytest

from mall.kernel import clock
from tests.support.database import execute_sql, select_rows
from tests.support.people import new_member, order_body
from tests.support.shop import new_sku
from tests.support.working import run_outbox, run_sweep


@pytest.fixture
def shop(world):
    world.product_id, world.sku = new_sku(world, 1_000, 500)
    world.buyer = new_member(world, beans_fen=100_000)
    # A product has its figures once what is left of it is counted.
    run_sweep(world, "count_availability")
    return world


def buy(shop, quantity=1):
    reply = shop.buyer.post(
        "/v1/store/orders", order_body([shop.sku], "beans", 1_000, quantity=quantity)
    )
    assert reply.status_code == 201
    run_outbox(shop)
    return f"/v1/store/orders/{reply.get_json()['order_id']}"


def sold(shop):
    run_sweep(shop, "count_sales")
    [row] = select_rows(
        shop, "SELECT sold FROM product_figure WHERE product_id = :id", id=shop.product_id
    )
    return row.sold


def summed(shop):
    return sum(row.sold for row in select_rows(shop, "SELECT sold FROM stock_sale"))


def test_sales_are_counted_whatever_is_summed_already(shop):
    first = buy(shop)
    buy(shop)
    assert (sold(shop), summed(shop)) == (2, 0)
    clock.shift(timedelta(hours=3))
    buy(shop)
    assert (sold(shop), summed(shop)) == (3, 2)
    # What is given back of a sale that was summed counts from now on.
    assert shop.buyer.post(f"{first}/cancel").status_code == 200
    run_outbox(shop)
    assert (sold(shop), summed(shop)) == (2, 2)
    clock.shift(timedelta(hours=6))
    assert (sold(shop), summed(shop), sold(shop)) == (2, 2, 2)


def test_two_counts_at_once_sum_once(shop):
    for _ in range(3):
        buy(shop)
    clock.shift(timedelta(hours=3))
    together = threading.Barrier(4)

    def count():
        together.wait(10)
        run_sweep(shop, "count_sales")

    threads = [threading.Thread(target=count) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(30)
    assert (summed(shop), sold(shop)) == (3, 3)


def test_what_was_posted_within_the_margin_is_not_summed_yet(shop):
    buy(shop)
    execute_sql(shop, "UPDATE product_figure SET sold = 0")
    clock.shift(timedelta(minutes=59))
    assert (sold(shop), summed(shop)) == (1, 0)
