"""Transition tables are whole, and a refusal names the state as people call it."""

import pytest

from mall.kernel.errors import WrongState
from mall.kernel.states import Transitions


def test_a_refusal_names_the_state_in_both_languages():
    states = Transitions("payment", {"open": {"paid"}, "paid": set()})
    states.check("open", "paid")
    with pytest.raises(WrongState) as refused:
        states.check("paid", "open")
    assert refused.value.sentence("zh") == "当前状态为“已支付”，不能执行该操作。"
    assert refused.value.sentence("en") == "This cannot be done in state “paid”."


def test_a_table_that_leads_nowhere_is_refused_when_it_is_defined():
    with pytest.raises(ValueError, match="unknown"):
        Transitions("payment", {"open": {"gone"}, "paid": set()})
