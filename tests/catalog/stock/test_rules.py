"""What is offered of a SKU: what stands there if nothing is said, and what a union pays."""

import pytest

from catalog.stock import rules as stock_rules
from tests.support.offers import offer, refusals


def test_stock_is_ten_million_at_most_and_moves_by_hand_for_four_causes():
    assert stock_rules.MAX_ON_HAND == 10_000_000
    assert stock_rules.ADJUSTMENTS == ("received", "damaged", "returned", "stocktake")


def test_each_refusal_has_its_status():
    assert refusals(stock_rules) == {"out_of_stock": 409, "stock_below_reserved": 409}


def test_an_offer_of_which_nothing_is_said_has_no_limit_no_commission_and_no_place():
    found = offer()
    assert found.commission_bps == 0
    assert (found.member_limit, found.member_limit_days) == (None, None)
    assert (found.origin_region_code, found.assistance_region_code) == (None, None)
    assert (found.assistance_id, found.purchase_price_fen) == (None, None)


@pytest.mark.parametrize(("purchase", "paid"), [(None, 1000), (800, 800), (1000, 1000), (0, 0)])
def test_a_union_pays_the_purchase_price_where_there_is_one(purchase, paid):
    assert offer(price_fen=1000, purchase_price_fen=purchase).union_price_fen == paid
