"""Freight: by region, by piece or weight, free over an amount, or not served; a supplier's life."""

from datetime import date
from uuid import UUID

import pytest

from catalog.suppliers import rules as supplier_rules
from catalog.suppliers.rules import (
    PIECE,
    WEIGHT,
    Consignment,
    FreightRule,
    NotFromThen,
    NotYetApproved,
    ShippingTemplate,
    check_from,
    check_may_upload,
    freight_fen,
    rules_from,
    significant,
)
from tests.support.offers import pairs, refusals, refused, written

EVERYWHERE = FreightRule((), True, 1, 800, 1, 200)
GUANGDONG = FreightRule(("440000",), True, 1, 600, 1, 100)
ZHANJIANG = FreightRule(("440800",), True, 1, 300, 1, 0)
TIBET = FreightRule(("540000",), False)


def template(*rules, charge_by=PIECE, free_over_fen=None):
    return ShippingTemplate(UUID(int=1), UUID(int=2), "默认", charge_by, free_over_fen, rules)


def parcel(quantity=1, weight_grams=500, amount_fen=5000):
    return Consignment(quantity, weight_grams, amount_fen)


@pytest.mark.parametrize(
    ("region", "fee"),
    [("110101", 800), ("440103", 600), ("440802", 300), ("540102", None)],
)
def test_the_rule_that_names_the_region_most_exactly_counts(region, fee):
    tariff = template(EVERYWHERE, GUANGDONG, ZHANJIANG, TIBET)
    assert freight_fen(tariff, parcel(), region) == fee


@pytest.mark.parametrize(("quantity", "fee"), [(1, 800), (2, 1000), (5, 1600)])
def test_further_pieces_cost_the_further_fee(quantity, fee):
    assert freight_fen(template(EVERYWHERE), parcel(quantity), "110101") == fee


@pytest.mark.parametrize(("grams", "fee"), [(1, 500), (1000, 500), (1001, 700), (3000, 900)])
def test_by_weight_every_begun_block_counts(grams, fee):
    tariff = template(FreightRule((), True, 1000, 500, 1000, 200), charge_by=WEIGHT)
    assert freight_fen(tariff, parcel(weight_grams=grams), "110101") == fee


@pytest.mark.parametrize(("amount", "fee"), [(9899, 800), (9900, 0), (20000, 0)])
def test_over_the_amount_sending_is_free(amount, fee):
    tariff = template(EVERYWHERE, free_over_fen=9900)
    assert freight_fen(tariff, parcel(amount_fen=amount), "110101") == fee


def test_free_over_an_amount_does_not_open_a_closed_region():
    tariff = template(EVERYWHERE, TIBET, free_over_fen=1)
    assert freight_fen(tariff, parcel(), "540102") is None


def test_without_a_rule_for_the_region_it_is_not_served():
    assert freight_fen(template(GUANGDONG), parcel(), "110101") is None


def test_without_a_template_sending_is_free():
    assert freight_fen(None, parcel(), "110101") == 0


def test_a_supplier_goes_from_state_to_state_as_the_table_says_and_no_other_way():
    assert pairs(supplier_rules.STATES) == written(
        """
        applied: active closed
        active: suspended closed
        suspended: active closed
        """
    )


def test_the_limits_are_those_that_are_documented():
    assert (
        supplier_rules.MAX_TEMPLATES,
        supplier_rules.MAX_RULES,
        supplier_rules.MAX_DAYS_AHEAD,
    ) == (20, 50, 366)


def test_each_refusal_has_its_status():
    assert refusals(supplier_rules) == {
        "supplier_not_approved": 403,
        "region_not_served": 422,
        "commission_not_from_then": 422,
    }


@pytest.mark.parametrize("state", ["active", "suspended"])
def test_who_is_a_supplier_may_upload(state):
    check_may_upload(state)


@pytest.mark.parametrize(("state", "named"), [("applied", "申请中"), ("closed", "已关闭")])
def test_who_is_none_yet_or_no_more_sends_nothing_but_documents(state, named):
    _, details = refused(NotYetApproved, check_may_upload, state)
    assert details == {"state": state, "state_zh": named}


TODAY = date(2026, 3, 1)


@pytest.mark.parametrize("from_on", [date(2026, 3, 2), date(2027, 3, 1), date(2027, 3, 2)])
def test_a_rate_begins_from_tomorrow_to_a_year_ahead(from_on):
    check_from(from_on, TODAY)


@pytest.mark.parametrize("from_on", [date(2026, 2, 28), TODAY, date(2027, 3, 3)])
def test_a_rate_begins_neither_today_nor_after_a_year(from_on):
    assert refused(NotFromThen, check_from, from_on, TODAY) == ("from_on", {"first": "2026-03-02"})


@pytest.mark.parametrize(
    ("code", "kept"),
    [("440000", "44"), ("440800", "4408"), ("440802", "440802"), ("000000", "00"), ("400", "4")],
)
def test_what_is_significant_of_a_region_are_its_digits_before_the_pairs_of_zeros(code, kept):
    assert significant(code) == kept


@pytest.mark.parametrize(
    ("regions", "reach"),
    [
        ((), 0),
        (("440000",), 2),
        (("440800",), 4),
        (("440802",), 6),
        (("440000", "440800", "110000"), 4),
        (("110000",), -1),
    ],
)
def test_a_rule_reaches_a_region_by_the_digits_that_it_names(regions, reach):
    assert FreightRule(regions, True).reach("440802") == reach


def test_a_rule_of_which_nothing_else_is_said_is_free_piece_by_piece():
    (rule,) = rules_from([{"regions": ["440000"], "is_served": True}])
    assert rule == FreightRule(("440000",), True, 1, 0, 1, 0)
    assert (rule.first_units, rule.next_units) == (1, 1)
    assert (rule.first_fee_fen, rule.next_fee_fen) == (0, 0)


@pytest.mark.parametrize(
    ("units", "fee"), [(0, 500), (1, 500), (2, 500), (3, 700), (5, 700), (6, 900), (9, 1100)]
)
def test_each_begun_block_after_the_first_costs_once(units, fee):
    tariff = template(FreightRule((), True, 2, 500, 3, 200))
    assert freight_fen(tariff, parcel(units), "110101") == fee


def test_a_block_of_nothing_counts_as_one_unit():
    tariff = template(FreightRule((), True, 1, 500, 0, 200))
    assert freight_fen(tariff, parcel(3), "110101") == 900


def test_a_tariff_without_rules_serves_nobody():
    assert freight_fen(template(), parcel(), "110101") is None


def test_less_than_the_first_block_costs_the_first_block():
    assert freight_fen(template(FreightRule((), True, 2, 500, 1, 200)), parcel(1), "110101") == 500
