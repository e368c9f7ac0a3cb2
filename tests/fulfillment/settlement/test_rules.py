"""Settlement: what a supplier earns, fen by fen, and the life of a statement."""

from collections import namedtuple
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from fulfillment.settlement import rules as settlement_rules
from fulfillment.settlement.rules import (
    ReimbursedShare,
    SoldLine,
    check_adjustment,
    check_period,
    commission,
    items_of_freight,
    items_of_line,
    month_before,
    totals,
)
from mall.kernel.errors import Invalid
from tests.support.offers import pairs, refusals, refused, written

DELIVERED = datetime(2026, 3, 1, tzinfo=UTC)
LATER = DELIVERED + timedelta(days=3)
LINE = UUID(int=1)


def test_a_statement_goes_from_state_to_state_as_the_table_says_and_no_other_way():
    assert pairs(settlement_rules.STATES) == written(
        """
        draft: confirmed disputed withdrawn
        disputed: confirmed withdrawn
        confirmed: paid
        """
    )
    assert settlement_rules.WAITING == ("draft", "disputed")


def test_the_limits_are_those_that_are_documented():
    assert settlement_rules.WHOLE_BPS == 10_000
    # ¥100 million.
    assert settlement_rules.MAX_ADJUSTMENT_FEN == 100_000_000 * 100


def test_each_refusal_has_its_status():
    assert refusals(settlement_rules) == {
        "nothing_to_settle": 409,
        "statement_open": 409,
        "payout_reference_used": 409,
    }


@pytest.mark.parametrize(
    ("amount", "bps", "kept"),
    [
        (0, 500, 0),
        (100, 0, 0),
        (100, 500, 5),
        (100, 10_000, 100),
        # Half a fen is rounded up, anything less down.
        (9, 500, 0),
        (10, 500, 1),
        (11, 500, 1),
        (29, 500, 1),
        (30, 500, 2),
        (4999, 1, 0),
        (5000, 1, 1),
        (14_999, 1, 1),
        (15_000, 1, 2),
    ],
)
def test_a_commission_is_rounded_half_up(amount, bps, kept):
    assert commission(amount, bps) == kept


def back(number, amount, unsent=0):
    return ReimbursedShare(UUID(int=number), amount, unsent, LATER)


def told(items):
    return [
        (each.kind, each.quantity, each.amount_fen, each.commission_fen, each.at) for each in items
    ]


@pytest.mark.parametrize(
    ("backs", "items"),
    [
        ([], [("sale", 3, 300, 30, DELIVERED)]),
        # What never left is no sale, and bears no commission.
        ([back(2, 100, 1)], [("sale", 2, 200, 20, DELIVERED)]),
        ([back(2, 100, 1), back(3, 100, 1)], [("sale", 1, 100, 10, DELIVERED)]),
        # What left goes back with the commission on it.
        ([back(2, 100)], [("sale", 3, 300, 30, DELIVERED), ("refund", 0, -100, -10, LATER)]),
        (
            [back(2, 100), back(3, 100, 1), back(4, 6)],
            [
                ("sale", 2, 200, 20, DELIVERED),
                ("refund", 0, -100, -10, LATER),
                # 94 fen are left: 9.4 of commission; the one before it was 10.
                ("refund", 0, -6, -1, LATER),
            ],
        ),
    ],
)
def test_a_line_earns_what_left_and_stayed(backs, items):
    line = SoldLine(LINE, "虾干", 3, 300, backs)
    found = items_of_line(line, 1000, DELIVERED)
    assert told(found) == items
    assert {each.commission_bps for each in found} == {1000}
    assert {each.title for each in found} == {"虾干"}


def test_each_item_has_the_reference_of_what_it_is_about():
    found = items_of_line(SoldLine(LINE, "虾干", 1, 100, [back(2, 1)]), 0, DELIVERED)
    assert [each.reference for each in found] == [f"sale:{LINE}", f"refund:{UUID(int=2)}"]


@pytest.mark.parametrize("bps", [0, 1, 333, 500, 9_999, 10_000])
def test_the_commission_of_what_went_back_step_by_step_is_that_of_what_is_left(bps):
    backs = [back(2, 1), back(3, 16), back(4, 33), back(5, 47)]
    found = items_of_line(SoldLine(LINE, "虾干", 1, 99, backs), bps, DELIVERED)
    assert sum(each.commission_fen for each in found) == commission(2, bps)


def test_freight_is_earned_whole_and_goes_back_whole_without_commission():
    found = items_of_freight("O1:S1", 800, [back(2, 300), back(3, 500)], DELIVERED)
    assert told(found) == [
        ("freight", 1, 800, 0, DELIVERED),
        ("freight_refund", 0, -300, 0, LATER),
        ("freight_refund", 0, -500, 0, LATER),
    ]
    assert {each.commission_bps for each in found} == {0}
    assert [each.reference for each in found] == [
        *("freight:O1:S1", f"refund:{UUID(int=2)}", f"refund:{UUID(int=3)}")
    ]


Amount = namedtuple("Amount", "kind amount_fen commission_fen")


def test_a_statement_sums_each_kind_and_keeps_the_commission():
    items = [
        Amount("sale", 1000, 50),
        Amount("sale", 500, 25),
        Amount("freight", 80, 0),
        Amount("refund", -100, -5),
        Amount("freight_refund", -30, 0),
        Amount("adjustment", -7, 0),
        Amount("adjustment", 9, 0),
    ]
    assert totals(items) == {
        "item_count": 7,
        "sales_fen": 1500,
        "freight_fen": 80,
        "refunds_fen": -130,
        "adjustments_fen": 2,
        "commission_fen": 70,
        "net_fen": 1382,
    }


def test_a_statement_of_nothing_is_of_nothing():
    assert set(totals([]).values()) == {0}


TODAY = date(2026, 3, 10)


def test_a_period_that_ended_yesterday_is_over_and_one_that_ends_today_is_not():
    check_period(date(2026, 3, 9), TODAY)
    for ends_on in (TODAY, date(2026, 3, 11)):
        assert refused(Invalid, check_period, ends_on, TODAY)[0] == "ends_on"


def test_an_adjustment_is_of_a_fen_at_least_one_way_or_the_other():
    check_adjustment(1)
    check_adjustment(-1)
    assert refused(Invalid, check_adjustment, 0)[0] == "amount_fen"


@pytest.mark.parametrize(
    ("today", "last"),
    [
        (date(2026, 3, 1), date(2026, 2, 28)),
        (date(2026, 3, 31), date(2026, 2, 28)),
        (date(2028, 3, 2), date(2028, 2, 29)),
        (date(2026, 1, 31), date(2025, 12, 31)),
    ],
)
def test_the_month_before_ends_on_its_last_day(today, last):
    assert month_before(today) == last
