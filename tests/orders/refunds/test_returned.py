"""Which units count as returned: those whose whole price went back, and those that never left."""

import pytest

from tests.support.database import select_rows
from tests.support.selling import Sale
from tests.support.shop import stock_of


@pytest.fixture
def each_version():
    """What is counted does not depend on how it was paid: once is enough."""


def returned(world):
    [line] = select_rows(world, "SELECT returned_quantity FROM order_line")
    return line.returned_quantity


@pytest.mark.parametrize(
    ("quantity", "amount_fen", "count"),
    [(1, 2500, 1), (1, 2499, 0), (2, 5000, 2), (2, 4999, 0), (2, 2500, 0)],
)
def test_units_that_left_are_returned_once_their_whole_price_is_back(
    world, quantity, amount_fen, count
):
    sale = Sale(world, quantity=3, beans=10_000).deliver()
    case = sale.asked("refund_only", quantity, amount_fen=amount_fen)
    assert sale.supplier_does(case, "approve").status_code == 200
    assert returned(world) == count


@pytest.mark.parametrize("quantity", [1, 2])
def test_units_that_never_left_are_returned(world, quantity):
    sale = Sale(world, quantity=3, beans=10_000)
    case = sale.asked("refund_only", quantity, "no_longer_wanted")
    assert sale.supplier_does(case, "approve").status_code == 200
    assert returned(world) == quantity
    assert stock_of(world, sale.sku) == (7 + quantity, 0)
