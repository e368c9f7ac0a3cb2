"""The life of an order."""

from orders.order import rules
from tests.support.offers import pairs, written


def test_an_order_goes_from_state_to_state_as_the_table_says_and_no_other_way():
    assert pairs(rules.STATES) == written(
        """
        awaiting_payment: paid cancelled
        paid: completed cancelled
        """
    )
