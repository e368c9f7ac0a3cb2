"""Freight: by region, by piece or weight, free over an amount, or not served."""

from uuid import UUID

import pytest

from catalog.suppliers.rules import (
    PIECE,
    WEIGHT,
    FreightRule,
    Parcel,
    ShippingTemplate,
    freight_fen,
)

EVERYWHERE = FreightRule((), True, 1, 800, 1, 200)
GUANGDONG = FreightRule(("440000",), True, 1, 600, 1, 100)
ZHANJIANG = FreightRule(("440800",), True, 1, 300, 1, 0)
TIBET = FreightRule(("540000",), False)


def template(*rules, charge_by=PIECE, free_over_fen=None):
    return ShippingTemplate(UUID(int=1), UUID(int=2), "默认", charge_by, free_over_fen, rules)


def parcel(quantity=1, weight_grams=500, amount_fen=5000):
    return Parcel(quantity, weight_grams, amount_fen)


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
