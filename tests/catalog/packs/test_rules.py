"""Packs: what the price of an item rests on, how many there are, and prices that add up."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from catalog.packs import rules as pack_rules
from catalog.packs.rules import Consent, PackForm, PackItem, PackOffer, price_of, priced
from mall.kernel.errors import Invalid
from tests.support.offers import offer, refusals, refused, sku

ASKED_AT = datetime(2026, 1, 1, tzinfo=UTC)
MOST = 10_000_000_000


def pack(*parts, offers=(), consents=None):
    by_sku = {each.sku_id: each for each in offers}
    return PackOffer(
        UUID(int=1), "年货", "", None, True, 1, 5000, tuple(parts), by_sku, consents or {}
    )


def item(number=1, quantity=1, price_fen=1000):
    return PackItem(sku(number), quantity, price_fen)


def test_the_limits_are_those_that_are_documented():
    assert (pack_rules.MAX_ITEMS, pack_rules.MAX_PACKS, pack_rules.MAX_QUANTITY) == (50, 1000, 100)
    assert pack_rules.AGREED == ("union_price", "accepted")
    assert pack_rules.BASES == ("union_price", "accepted", "asked", "refused", "not_agreed")


def test_each_refusal_has_its_status():
    assert refusals(pack_rules) == {
        "pack_title_taken": 409,
        "no_price_to_ask_for": 409,
        "price_request_decided": 409,
    }


def test_a_pack_of_which_nothing_else_is_said_is_active_without_words_or_picture():
    form = PackForm("年货", (item(),))
    assert (form.brief, form.image_url, form.is_active) == ("", None, True)
    assert PackItem(sku(1), 2).price_fen is None


@pytest.mark.parametrize(
    ("price", "state", "basis"),
    [
        (800, None, "union_price"),
        # The supplier's own price needs no consent, whatever was said of it once.
        (800, "refused", "union_price"),
        (799, None, "not_agreed"),
        (801, None, "not_agreed"),
        (799, "accepted", "accepted"),
        (799, "asked", "asked"),
        (799, "refused", "refused"),
    ],
)
def test_a_price_rests_on_the_suppliers_own_or_on_its_consent_to_this_very_price(
    price, state, basis
):
    consents = {} if state is None else {(sku(1), price): Consent(UUID(int=7), state, ASKED_AT)}
    found = pack(offers=[offer(1, purchase_price_fen=800)], consents=consents)
    assert found.basis(item(price_fen=price)) == basis


def test_consent_to_another_price_or_another_sku_is_none():
    yes = Consent(UUID(int=7), "accepted", ASKED_AT)
    consents = {(sku(1), 700): yes, (sku(2), 701): yes}
    assert pack(offers=[offer(1)], consents=consents).basis(item(price_fen=701)) == "not_agreed"


def test_what_is_gone_rests_on_nothing():
    assert pack(offers=[]).basis(item()) == "not_agreed"


def test_an_item_without_a_price_is_one_at_nothing():
    yes = Consent(UUID(int=7), "accepted", ASKED_AT)
    found = pack(
        PackItem(sku(1), 1), offers=[offer(1, purchase_price_fen=1)], consents={(sku(1), 0): yes}
    )
    assert found.basis(PackItem(sku(1), 1)) == "accepted"
    assert found.content()["parts"][0]["price_request_id"] == str(UUID(int=7))


@pytest.mark.parametrize(
    ("available", "quantity", "count"),
    [(10, 1, 10), (10, 2, 5), (9, 2, 4), (1, 2, 0), (0, 1, 0), (-1, 1, 0), (-5, 2, 0)],
)
def test_there_are_as_many_packs_as_the_stock_of_an_item_allows(available, quantity, count):
    found = pack(item(1, quantity), offers=[offer(1, available=available)])
    assert found.available == count


def test_the_scarcest_item_decides_how_many_there_are():
    parts = item(1), item(2, 3)
    assert pack(*parts, offers=[offer(1), offer(2, available=11)]).available == 3


@pytest.mark.parametrize(
    "offers",
    [[], [offer(1)], [offer(1), offer(2, is_for_sale=False)]],
    ids=["no part is there", "one part is gone", "one part is off sale"],
)
def test_there_is_no_pack_where_an_item_cannot_be_sold(offers):
    assert pack(item(1), item(2), offers=offers).available == 0


def test_there_is_no_pack_of_nothing():
    assert pack().available == 0
    assert pack().delivery_modes == frozenset()
    assert pack().market_fen == 0


def test_a_pack_is_delivered_as_all_of_its_items_can_be():
    offers = [offer(1), offer(2, delivery_modes=("ship",))]
    assert pack(offers=offers).delivery_modes == {"ship"}


def test_at_the_market_a_pack_costs_what_its_items_that_are_there_cost():
    parts = item(1, 3), item(2, 2), item(3)
    assert pack(*parts, offers=[offer(1), offer(2, price_fen=70)]).market_fen == 3140


def test_what_is_frozen_of_a_pack_are_its_prices_and_what_they_rest_on():
    yes = Consent(UUID(int=7), "accepted", ASKED_AT)
    asked = Consent(UUID(int=8), "asked", ASKED_AT)
    parts = item(1, 2), item(2, 1, 300), item(3, 1, 400)
    consents = {(sku(2), 300): yes, (sku(3), 400): asked}
    content = pack(*parts, offers=[offer(1), offer(2), offer(3)], consents=consents).content()
    assert (content["title"], content["price_fen"]) == ("年货", 5000)
    assert [
        (each["quantity"], each["price_fen"], each["price_basis"], each["price_request_id"])
        for each in content["parts"]
    ] == [
        (2, 1000, "union_price", None),
        (1, 300, "accepted", str(UUID(int=7))),
        (1, 400, "asked", None),
    ]


@pytest.mark.parametrize(("said", "kept"), [(None, 800), (1, 1), (799, 799), (1000, 1000)])
def test_an_item_without_a_price_gets_the_suppliers_for_unions(said, kept):
    offers = {sku(1): offer(1, purchase_price_fen=800)}
    assert priced([item(price_fen=said)], offers) == (item(price_fen=kept),)


@pytest.mark.parametrize(
    ("parts", "field"),
    [
        ([item(1), item(1, 2)], "parts"),
        ([item(1), item(9)], "parts.1.sku_id"),
        ([item(1, 1, 0)], "parts.0.price_fen"),
        ([item(1, 1, -1)], "parts.0.price_fen"),
        ([item(1), item(2, 1, None)], "parts.1.price_fen"),
    ],
    ids=["named twice", "unknown", "for nothing", "for less than nothing", "no price for unions"],
)
def test_items_that_cannot_be_are_refused(parts, field):
    offers = {sku(1): offer(1), sku(2): offer(2, purchase_price_fen=0)}
    assert refused(Invalid, priced, parts, offers)[0] == field


@pytest.mark.parametrize(
    ("parts", "total"),
    [
        ([item(1, 1, 1)], 1),
        ([item(1, 3, 250), item(2, 1, 1)], 751),
        ([item(1, 1, 1), item(2, 5, None)], 1),
        ([item(1, 100, MOST // 100)], MOST),
    ],
)
def test_the_price_of_a_pack_is_the_sum_of_its_parts(parts, total):
    assert price_of(parts) == total


@pytest.mark.parametrize(
    "parts",
    [[], [item(1, 1, 0)], [item(1, 1, None)], [item(1, 1, MOST + 1)], [item(1, 1, -1)]],
    ids=["nothing", "for nothing", "without a price", "too dear", "less than nothing"],
)
def test_a_pack_costs_something_and_a_hundred_million_yuan_at_most(parts):
    assert refused(Invalid, price_of, parts)[0] == "parts"
