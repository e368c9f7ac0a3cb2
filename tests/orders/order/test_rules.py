"""The life of an order."""

import pytest

from orders.order import rules as order_rules
from orders.order import service as order_service
from orders.order.models import Order
from tests.support.offers import pairs, written


def test_an_order_goes_from_state_to_state_as_the_table_says_and_no_other_way():
    assert pairs(order_rules.STATES) == written(
        """
        awaiting_payment: paid cancelled
        paid: completed cancelled
        """
    )


@pytest.mark.parametrize("state", order_rules.STATES.states)
def test_only_a_cancelled_order_is_cancelled(state):
    assert order_service.is_cancelled(Order(state=state)) is (state == "cancelled")
