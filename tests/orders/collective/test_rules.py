"""Money and recipients of a programme: when they may change, and how much may go back."""

import pytest

from mall.kernel.errors import WrongState
from orders.collective import rules as collective_rules
from orders.collective.rules import NotFundable, allowed_payout, check_active, check_fundable
from orders.programmes.rules import STATES
from tests.support.offers import pairs, refusals, refused, written

TAKES_MONEY = {"approved", "funded", "issuing", "active"}


def test_a_funding_and_a_change_go_from_state_to_state_as_their_tables_say():
    assert pairs(collective_rules.FUNDING_STATES) == written("recorded: confirmed rejected")
    assert pairs(collective_rules.CHANGE_STATES) == written("proposed: applied rejected")


def test_the_limits_are_those_that_are_documented():
    assert (collective_rules.CHUNK, collective_rules.MAX_UNIT_ORDER) == (2000, 20_000)
    # ¥5,000, what WeChat takes by a code at a time.
    assert collective_rules.MAX_NATIVE_FEN == 5_000_00


def test_each_refusal_has_its_status():
    assert refusals(collective_rules) == {
        "not_fundable": 409,
        "bank_reference_used": 409,
        "nothing_due": 409,
        "too_much_for_native": 422,
        "payout_too_large": 422,
        "already_listed": 409,
        "already_ordered": 409,
    }


@pytest.mark.parametrize("state", STATES.states)
def test_money_is_taken_from_the_approval_to_the_close(state):
    assert (state in collective_rules.CHANGEABLE) == (state in TAKES_MONEY)
    if state in TAKES_MONEY:
        check_fundable(state)
    else:
        _, details = refused(NotFundable, check_fundable, state)
        assert details == {"state": state, "state_zh": STATES.names_zh[state]}


@pytest.mark.parametrize("state", STATES.states)
def test_only_an_active_programme_is_active(state):
    if state == "active":
        check_active(state)
    else:
        assert refused(WrongState, check_active, state)[1]["state"] == state


@pytest.mark.parametrize("state", STATES.states)
@pytest.mark.parametrize(
    ("balance", "to_issue", "allowed"),
    [(100, 0, 100), (100, 99, 1), (100, 100, 0), (100, 101, 0), (0, 0, 0), (0, 1, 0)],
)
def test_what_is_to_be_issued_stays_while_it_is_issued(state, balance, to_issue, allowed):
    is_issuing = state in ("issuing", "active")
    assert allowed_payout(state, balance, to_issue) == (allowed if is_issuing else balance)
