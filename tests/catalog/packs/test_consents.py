"""What a programme freezes of a pack: the consent that a price rests on, and no other's."""

from uuid import UUID

import pytest

from catalog.packs.rules import ACCEPTED, ASKED, REFUSED, Consent, PackItem, PackOffer
from catalog.stock.rules import Offer


def number(of):
    return UUID(int=of)


def offer(sku, union_price):
    return Offer(
        *(number(sku), number(70 + sku), number(80), "社", "品", (), None, 900, 1000),
        *(500, 1, 99, ("ship",), None, 10, True),
        purchase_price_fen=union_price,
    )


def pack(parts, consents, union_price=500):
    offers = {item.sku_id: offer(item.sku_id.int, union_price) for item in parts}
    return PackOffer(number(9), "包", "", None, True, 1, 1000, tuple(parts), offers, consents)


def consent(of, state=ACCEPTED):
    return Consent(number(of), state, None)


def frozen(made):
    return [(item["price_basis"], item["price_request_id"]) for item in made.content()["parts"]]


def test_a_price_that_was_accepted_names_the_consent_to_this_sku_at_this_price():
    consents = {
        (number(1), 400): consent(41),
        (number(1), 300): consent(31),
        (number(2), 400): consent(42),
    }
    parts = [PackItem(number(1), 1, 400), PackItem(number(2), 1, 400), PackItem(number(1), 2, 300)]
    assert frozen(pack(parts, consents)) == [
        (ACCEPTED, str(number(41))),
        (ACCEPTED, str(number(42))),
        (ACCEPTED, str(number(31))),
    ]


def test_a_suppliers_own_price_rests_on_no_consent_even_where_there_is_one():
    assert frozen(pack([PackItem(number(1), 1, 500)], {(number(1), 500): consent(5)})) == [
        ("union_price", None)
    ]


@pytest.mark.parametrize("state", [ASKED, REFUSED])
def test_a_question_that_was_not_accepted_is_no_consent(state):
    consents = {(number(1), 400): consent(4, state)}
    assert frozen(pack([PackItem(number(1), 1, 400)], consents)) == [(state, None)]


def test_a_consent_to_another_price_or_sku_is_none():
    consents = {(number(1), 399): consent(4), (number(2), 400): consent(5)}
    assert frozen(pack([PackItem(number(1), 1, 400)], consents)) == [("not_agreed", None)]
