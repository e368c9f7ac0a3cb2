"""Whatever goes back in whatever parts: each tender gives exactly what it took, and never more."""

from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orders.refunds.rules import NothingLeft, TenderSplit

MAX_TENDERS, MAX_PARTS = 6, 60


@pytest.fixture
def each_version():
    """Nothing here pays: once is enough."""


@st.composite
def sequences(draw):
    """A line's share of some lots and WeChat, and amounts that may be asked back, one by one."""
    count = draw(st.integers(0, MAX_TENDERS - 1))
    sizes = st.one_of(st.integers(0, 3), st.integers(0, 100_000_00))
    lots = {UUID(int=index + 1): draw(sizes) for index in range(count)}
    share = TenderSplit(lots, draw(sizes))
    amounts = draw(st.lists(st.one_of(st.integers(1, 7), sizes), max_size=MAX_PARTS))
    return share, amounts


@settings(max_examples=1000, deadline=None)
@given(sequences())
def test_any_sequence_of_partial_refunds_sums_exactly_and_never_exceeds(sequence):
    """Case 17."""
    paid, amounts = sequence
    left, back = paid, 0
    for amount in amounts:
        if amount > left.total_fen:
            with pytest.raises(NothingLeft):
                left.share(amount)
            continue
        part = left.share(amount)
        assert part.total_fen == amount
        assert part.wechat_fen >= 0 and all(fen >= 0 for fen in part.lots.values())
        left, back = left.less(part), back + amount
        assert left.wechat_fen >= 0 and all(fen >= 0 for fen in left.lots.values())
        assert left.total_fen + back == paid.total_fen
        assert left.share(0).total_fen == 0
    rest = left.share(left.total_fen)
    assert rest == left
    assert left.less(rest).total_fen == 0


@settings(max_examples=200, deadline=None)
@given(sequences())
def test_the_same_sequence_gives_the_same_parts(sequence):
    paid, amounts = sequence
    taken = []
    for _ in range(2):
        left, parts = paid, []
        for amount in amounts:
            if amount <= left.total_fen:
                parts.append(left.share(amount))
                left = left.less(parts[-1])
        taken.append(parts)
    assert taken[0] == taken[1]
