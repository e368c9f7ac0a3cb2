"""After-sales: which units a case is about, how much, how long, and the life of one."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from fulfillment.after_sales import rules as after_sales_rules
from fulfillment.after_sales.rules import (
    AmountTooHigh,
    Limits,
    NothingToAsk,
    NotSentYet,
    Request,
    TooLate,
    Units,
    check_amount,
    check_window,
    units_for,
)
from tests.support.offers import pairs, refusals, refused, written

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
INSTANT = timedelta(microseconds=1)


def test_a_case_goes_from_state_to_state_as_the_table_says_and_no_other_way():
    assert pairs(after_sales_rules.STATES) == written(
        """
        requested: awaiting_return refunded replaced rejected withdrawn
        awaiting_return: in_return withdrawn lapsed
        in_return: received
        received: refunded replaced rejected
        rejected: appealed withdrawn lapsed
        appealed: awaiting_return refunded replaced dismissed withdrawn
        """
    )
    assert after_sales_rules.ENDED == ("refunded", "replaced", "withdrawn", "dismissed", "lapsed")
    assert set(after_sales_rules.CLAIMING) == {
        *("requested", "awaiting_return", "in_return", "received"),
        *("rejected", "appealed", "refunded"),
    }


def test_each_refusal_has_its_status():
    assert refusals(after_sales_rules) == {
        "nothing_to_ask": 409,
        "not_sent_yet": 409,
        "after_sales_over": 409,
        "amount_too_high": 422,
        "no_return_address": 409,
        "exchange_sold_out": 409,
    }


def test_a_request_has_nine_photos_at_most_and_by_itself_asks_for_all_and_sends_back():
    assert after_sales_rules.MAX_PHOTOS == 9
    assert after_sales_rules.KINDS == ("refund_only", "return_and_refund", "exchange")
    found = request("exchange", 1)
    assert (found.description, found.photos, found.amount_fen) == ("", (), None)
    assert found.needs_return is True


def test_the_freight_comes_back_as_well_for_what_is_the_suppliers_fault():
    assert {
        code: reason.is_suppliers_fault for code, reason in after_sales_rules.REASONS.items()
    } == {
        "no_longer_wanted": False,
        "does_not_fit": False,
        "not_as_described": True,
        "damaged": True,
        "bad_quality": True,
        "wrong_item": True,
        "too_few": True,
        "not_received": True,
        "near_expiry": True,
    }


def request(kind, quantity):
    return Request(UUID(int=1), kind, quantity, "damaged")


REFUND, RETURN, EXCHANGE = after_sales_rules.KINDS


@pytest.mark.parametrize(
    ("kind", "quantity", "units", "which"),
    [
        # A refund takes what never left first, to the last of it.
        (REFUND, 1, Units(2, 5, 0), "original"),
        (REFUND, 2, Units(2, 5, 0), "original"),
        (REFUND, 3, Units(2, 5, 0), "sent"),
        (REFUND, 5, Units(2, 5, 0), "sent"),
        # Then what replaces units and has not left, if one replacement holds so many.
        (REFUND, 1, Units(0, 5, 0, (1,)), "replacing"),
        (REFUND, 2, Units(1, 5, 0, (1, 2)), "replacing"),
        (REFUND, 3, Units(1, 5, 0, (1, 2)), "sent"),
        (REFUND, 1, Units(1, 5, 0, (2,)), "original"),
        # What has left can be returned or exchanged, but for what other cases are about.
        (RETURN, 1, Units(2, 5, 0), "sent"),
        (RETURN, 5, Units(0, 5, 0), "sent"),
        (EXCHANGE, 3, Units(0, 5, 2), "sent"),
        (EXCHANGE, 1, Units(0, 1, 0), "sent"),
        (RETURN, 1, Units(0, 1, 0, (1,)), "sent"),
    ],
)
def test_a_request_is_about_units_that_are_there(kind, quantity, units, which):
    assert units_for(request(kind, quantity), units) == which


@pytest.mark.parametrize(
    ("kind", "quantity", "units", "left"),
    [
        (REFUND, 3, Units(2, 2, 0), 2),
        (REFUND, 4, Units(2, 5, 2), 3),
        (REFUND, 1, Units(0, 5, 5), 0),
        (REFUND, 2, Units(0, 5, 5, (1, 1)), 1),
        (REFUND, 2, Units(1, 5, 5), 1),
        (RETURN, 6, Units(0, 5, 0), 5),
        (EXCHANGE, 4, Units(0, 5, 2), 3),
        (EXCHANGE, 1, Units(0, 0, 0), 0),
    ],
)
def test_a_request_for_more_is_refused_with_the_most_there_can_be(kind, quantity, units, left):
    refusal = refused(NothingToAsk, units_for, request(kind, quantity), units)
    assert refusal == ("quantity", {"left": left})


@pytest.mark.parametrize("kind", [RETURN, EXCHANGE])
@pytest.mark.parametrize(
    ("units", "unsent", "sent"),
    [
        (Units(1, 0, 0), 1, 0),
        (Units(2, 5, 4), 2, 1),
        (Units(0, 1, 0, (1,)), 1, 1),
        (Units(1, 1, 0, (3, 2)), 3, 1),
    ],
)
def test_what_has_not_left_is_neither_returned_nor_exchanged(kind, units, unsent, sent):
    refusal = refused(NotSentYet, units_for, request(kind, 2), units)
    assert refusal == ("kind", {"unsent": unsent, "sent": sent})


@pytest.mark.parametrize(("asked", "amount"), [(None, 100), (1, 1), (99, 99), (100, 100)])
def test_a_case_is_about_what_was_asked_or_about_all(asked, amount):
    assert check_amount(asked, 100) == amount


@pytest.mark.parametrize("asked", [-1, 0, 101])
def test_nothing_and_a_fen_too_much_are_refused(asked):
    assert refused(AmountTooHigh, check_amount, asked, 100) == ("amount_fen", {"most_fen": 100})


WINDOW = timedelta(days=7)


@pytest.mark.parametrize("delivered_at", [None, NOW, NOW - WINDOW + INSTANT, NOW - WINDOW])
def test_there_is_time_up_to_the_last_instant_and_always_before_delivery(delivered_at):
    check_window(delivered_at, NOW, WINDOW)


def test_an_instant_later_it_is_too_late():
    refusal = refused(TooLate, check_window, NOW - WINDOW - INSTANT, NOW, WINDOW)
    assert refusal == (None, {"days": 7})


@pytest.mark.parametrize("state", after_sales_rules.STATES.states)
def test_each_state_that_waits_for_somebody_has_its_deadline_and_no_other(state):
    seconds = {
        "requested": 1,
        "awaiting_return": 20,
        "in_return": 300,
        "received": 1,
        "rejected": 4000,
    }.get(state)
    due = Limits(decide=1, send_back=20, inspect=300, appeal=4000).due(state, NOW)
    assert due == (None if seconds is None else NOW + timedelta(seconds=seconds))
