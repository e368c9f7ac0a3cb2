"""An order sold, dispatched, delivered."""

import pytest

from tests.support.selling import Sale


@pytest.fixture
def sale(world):
    return Sale(world)


@pytest.fixture
def delivered(sale):
    return sale.deliver()
