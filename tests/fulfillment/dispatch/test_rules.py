"""Fulfillment orders: the life of one, and how an order splits into them."""

from collections import namedtuple
from uuid import UUID

from fulfillment.dispatch import rules as dispatch_rules
from fulfillment.dispatch.rules import split
from tests.support.offers import pairs, refusals, written

Line = namedtuple("Line", "number supplier_id delivery_mode")
ONE, TWO = UUID(int=1), UUID(int=2)


def test_a_fulfillment_order_goes_from_state_to_state_as_the_table_says_and_no_other_way():
    assert pairs(dispatch_rules.STATES) == written(
        """
        open: partly_dispatched dispatched cancelled
        partly_dispatched: dispatched open
        dispatched: delivered partly_dispatched open
        """
    )


def test_each_refusal_has_its_status():
    assert refusals(dispatch_rules) == {
        "not_split_yet": 409,
        "collected_by_voucher": 409,
        "too_many_dispatched": 422,
    }


def test_an_order_splits_by_supplier_and_by_delivery_in_the_order_of_its_lines():
    lines = [
        Line(1, TWO, "ship"),
        Line(2, ONE, "ship"),
        Line(3, TWO, "store_pickup"),
        Line(4, TWO, "ship"),
    ]
    found = split(lines)
    assert list(found) == [(TWO, "ship"), (ONE, "ship"), (TWO, "store_pickup")]
    assert [[line.number for line in group] for group in found.values()] == [[1, 4], [2], [3]]


def test_an_order_of_nothing_splits_into_nothing():
    assert split([]) == {}
