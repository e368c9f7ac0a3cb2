"""Refunds: what may become of one, what is left of a line, and when to try again."""

from datetime import timedelta
from uuid import UUID

import pytest

from orders.refunds import rules as refund_rules
from orders.refunds.rules import NothingLeft, Settlement, TenderSplit, retry_delay
from orders.refunds.service.reimbursing import GivingBack
from tests.support.offers import pairs, refusals, refused, written

A, B, C = (UUID(int=n) for n in (1, 2, 3))


@pytest.fixture(autouse=True)
def _each_version():
    """What is pure is the same for both versions of the pay API, and needs no service."""


def test_a_refund_goes_from_state_to_state_as_the_table_says_and_no_other_way():
    assert pairs(refund_rules.STATES) == written(
        """
        requested: accepted failed
        accepted: succeeded failed
        failed: requested settled
        """
    )


def test_what_wechat_says_of_a_refund_that_ended_is_read_as_the_contract_has_it():
    assert refund_rules.ENDED == {"SUCCESS": "succeeded", "CLOSED": "failed", "ABNORMAL": "failed"}
    assert refund_rules.CHANNELS == ("bank", "cash", "other")
    assert refund_rules.PURPOSES == ("late", "cancelled", "after_sales")
    assert Settlement("bank", "1").note == ""


def test_each_refusal_has_its_status():
    assert refusals(refund_rules) == {"nothing_left_to_refund": 409, "refund_stands": 409}


@pytest.mark.parametrize(
    ("attempts", "seconds"),
    [(0, 10), (1, 20), (2, 40), (3, 80), (8, 2560), (9, 3600), (12, 3600), (500, 3600)],
)
def test_the_wait_begins_with_ten_seconds_and_doubles_up_to_an_hour(attempts, seconds):
    assert retry_delay(attempts) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("lots", "wechat", "total"),
    [({}, 0, 0), ({}, 7, 7), ({A: 5}, 0, 5), ({A: 5, B: 6}, 7, 18)],
)
def test_a_share_is_all_that_its_tenders_paid(lots, wechat, total):
    assert TenderSplit(lots, wechat).total_fen == total


def test_what_went_back_is_taken_from_each_tender_and_from_no_other():
    left = TenderSplit({A: 100, B: 50}, 30).less(TenderSplit({A: 40, C: 9}, 10))
    assert left == TenderSplit({A: 60, B: 50}, 20)


@pytest.mark.parametrize(
    ("amount", "lots", "wechat"),
    [
        (0, {A: 0, B: 0}, 0),
        (1, {A: 1, B: 0}, 0),
        (2, {A: 1, B: 1}, 0),
        (3, {A: 1, B: 1}, 1),
        (4, {A: 2, B: 1}, 1),
        (89, {A: 30, B: 30}, 29),
        (90, {A: 30, B: 30}, 30),
    ],
)
def test_a_part_is_split_by_largest_remainder_and_ties_go_to_the_first_lot(amount, lots, wechat):
    assert TenderSplit({B: 30, A: 30}, 30).part(amount) == TenderSplit(lots, wechat)


def test_a_part_follows_what_each_tender_has_left():
    assert TenderSplit({A: 90, B: 0}, 10).part(10) == TenderSplit({A: 9, B: 0}, 1)


def test_one_fen_more_than_is_left_is_refused():
    refusal = refused(NothingLeft, TenderSplit({A: 30}, 60).part, 91)
    assert refusal == ("amount_fen", {"left_fen": 90})


@pytest.mark.parametrize("step", [1, 7, 33, 99])
def test_every_sequence_of_parts_ends_with_the_last_fen_of_each_tender(step):
    whole = left = TenderSplit({A: 33, B: 41}, 25)
    while left.total_fen:
        taken = left.part(min(step, left.total_fen))
        left = left.less(taken)
        assert min(*left.lots.values(), left.wechat_fen) >= 0
    assert whole.less(left) == whole


def test_what_goes_back_is_of_no_unsent_units_and_without_freight_unless_it_is_said():
    back = GivingBack(A, 100, "case:1")
    assert (back.unsent, back.with_freight, back.units) == (0, False, 0)
