"""Splits never lose a fen."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mall.kernel.money import split_by_weight, yuan


def test_the_largest_remainder_gets_the_odd_fen_and_ties_go_first():
    assert split_by_weight(100, [1, 1, 1]) == [34, 33, 33]
    assert split_by_weight(7, [2, 5, 3]) == [1, 4, 2]


@given(st.integers(0, 10**12), st.lists(st.integers(0, 10**9), min_size=1, max_size=20))
def test_parts_sum_exactly_and_lie_within_a_fen(amount, weights):
    """Case 7."""
    if sum(weights) == 0:
        if amount:
            with pytest.raises(ValueError, match="nothing to split by"):
                split_by_weight(amount, weights)
        return
    parts = split_by_weight(amount, weights)
    assert sum(parts) == amount
    total = sum(weights)
    for part, weight in zip(parts, weights, strict=True):
        assert amount * weight // total <= part <= amount * weight // total + 1


def test_amounts_read_as_people_write_them():
    assert [yuan(1205), yuan(-5), yuan(0)] == ["12.05", "-0.05", "0.00"]
