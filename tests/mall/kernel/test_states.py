"""Transition tables are whole, and a refusal names the state as people call it."""

import pytest

from mall.kernel.errors import WrongState
from mall.kernel.states import Transitions

NAMES = {"open": "进行中", "over": "已结束"}


def test_a_refusal_names_the_state_in_both_languages():
    states = Transitions({"open": {"over"}, "over": set()}, NAMES)
    states.check("open", "over")
    with pytest.raises(WrongState) as refused:
        states.check("over", "open")
    assert refused.value.sentence("zh") == "当前状态为“已结束”，不能执行该操作。"
    assert refused.value.sentence("en") == "This cannot be done in state “over”."


@pytest.mark.parametrize(
    ("table", "names"),
    [
        ({"open": {"gone"}, "over": set()}, NAMES),
        ({"open": {"over"}, "over": set()}, {"open": "进行中"}),
        ({"open": set()}, NAMES),
    ],
    ids=["an unknown state", "a state without a name", "a name without a state"],
)
def test_a_table_that_is_not_whole_is_refused_when_it_is_defined(table, names):
    with pytest.raises(ValueError, match=r"unknown|names"):
        Transitions(table, names)
