"""Checkout: which lines can be sold, what sending costs, and what beans pay."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from catalog.suppliers.rules import PIECE, WEIGHT, FreightRule, RegionNotServed, ShippingTemplate
from mall.kernel.errors import Invalid
from mall.ledger.rules import Draw, Lot, NotEnoughBeans
from orders.checkout import rules as checkout_rules
from orders.checkout.rules import (
    AddressNeeded,
    Checkout,
    FreightLine,
    LinesUnavailable,
    MemberLimitReached,
    QuoteLine,
    WantedLine,
    by_programme,
    check_lines,
    check_member_limits,
    freight,
    limited,
    summed,
    with_beans,
)
from tests.support.offers import offer, refusals, refused, sku

A, B, C = (UUID(int=n) for n in (201, 202, 203))
ONE, TWO = UUID(int=900), UUID(int=901)
EXPIRES = datetime(2026, 12, 31, tzinfo=UTC)


def line(number=1, quantity=1, mode="ship", **changes):
    return QuoteLine(offer(number, **changes), quantity, mode)


def tariff(number=1, *, charge_by=PIECE, regions=(), free_over_fen=None, units=1, is_served=True):
    rule = FreightRule(regions, is_served, units, 800, units, 200)
    return ShippingTemplate(UUID(int=number), ONE, "默认", charge_by, free_over_fen, (rule,))


def test_the_limits_are_those_that_are_documented():
    assert (checkout_rules.MAX_LINES, checkout_rules.MAX_QUANTITY) == (100, 9_999)
    assert checkout_rules.TENDERS == ("beans", "wechat", "mixed")


def test_each_refusal_has_its_status():
    assert refusals(checkout_rules) == {
        "lines_unavailable": 409,
        "member_limit_reached": 409,
        "already_dispatched": 409,
        "choose_anew": 409,
        "quote_changed": 409,
        "cart_empty": 422,
        "address_needed": 422,
    }


def test_a_checkout_of_which_nothing_else_is_said_has_no_cap_no_address_and_no_note():
    assert Checkout(None, "beans") == Checkout(None, "beans", None, None, None, "")
    assert WantedLine(sku(1), 1).delivery_mode is None


def wanted(quantity, mode=None, **changes):
    return [WantedLine(sku(1), quantity, mode)], {sku(1): offer(1, **changes)}


@pytest.mark.parametrize(
    ("quantity", "changes"),
    [
        (1, {}),
        (10, {"available": 10}),
        (2, {"min_per_order": 2, "max_per_order": 3}),
        (3, {"min_per_order": 2, "max_per_order": 3}),
        (2, {"min_per_order": 2, "max_per_order": 2}),
    ],
)
def test_a_line_within_its_offers_limits_and_stock_can_be_sold(quantity, changes):
    (found,) = check_lines(*wanted(quantity, **changes))
    assert (found.quantity, found.delivery_mode, found.draws) == (quantity, "ship", ())


@pytest.mark.parametrize("mode", ["ship", "store_pickup"])
def test_a_line_is_delivered_as_was_asked_where_the_offer_has_it(mode):
    assert check_lines(*wanted(1, mode))[0].delivery_mode == mode


@pytest.mark.parametrize(
    ("quantity", "mode", "field"),
    [
        (1, None, "lines.0.quantity"),
        (4, None, "lines.0.quantity"),
        (2, "unit_delivery", "lines.0.delivery_mode"),
    ],
)
def test_a_quantity_or_delivery_that_the_offer_does_not_have_is_refused(quantity, mode, field):
    lines, offers = wanted(quantity, mode, min_per_order=2, max_per_order=3)
    assert refused(Invalid, check_lines, lines, offers)[0] == field


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        (None, {"code": "not_for_sale"}),
        ({"is_for_sale": False}, {"code": "not_for_sale"}),
        ({"available": 1}, {"code": "too_few_left", "available": "1"}),
        ({"available": 0}, {"code": "sold_out", "available": "0"}),
        ({"available": -2}, {"code": "sold_out", "available": "0"}),
    ],
)
def test_each_line_that_cannot_be_sold_is_told_and_the_others_do_not_matter(changes, problem):
    offers = {sku(2): offer(2), **({} if changes is None else {sku(1): offer(1, **changes)})}
    lines = [WantedLine(sku(1), 2), WantedLine(sku(2), 2)]
    field, details = refused(LinesUnavailable, check_lines, lines, offers)
    assert (field, details) == ("lines", {"problems": [{"sku_id": str(sku(1)), **problem}]})


def test_every_problem_is_told_not_only_the_first():
    offers = {sku(2): offer(2, available=0), sku(3): offer(3, available=1), sku(4): offer(4)}
    lines = [WantedLine(sku(number), 2) for number in (1, 2, 3, 4)]
    _, details = refused(LinesUnavailable, check_lines, lines, offers)
    assert [each["code"] for each in details["problems"]] == [
        *("not_for_sale", "sold_out", "too_few_left")
    ]


def test_a_sku_is_named_once():
    lines = [WantedLine(sku(1), 1), WantedLine(sku(1), 2)]
    assert refused(Invalid, check_lines, lines, {sku(1): offer(1)})[0] == "lines"


def test_a_quote_is_the_sum_of_its_lines_and_freight_and_of_what_each_lot_pays():
    first = QuoteLine(offer(1), 3, "ship", (Draw(A, 0, 1000), Draw(B, 0, 500)))
    second = QuoteLine(offer(2, price_fen=70), 2, "ship")
    quote = summed([first, second], [FreightLine(ONE, 800, (Draw(B, 2, 100),))])
    assert (first.amount_fen, first.beans_fen, second.amount_fen) == (3000, 1500, 140)
    assert (quote.goods_fen, quote.freight_fen, quote.total_fen) == (3140, 800, 3940)
    assert (quote.beans_fen, quote.wechat_fen) == (1600, 2340)
    assert quote.lot_amounts() == {A: 1000, B: 600}
    assert quote.quantities() == {sku(1): 3, sku(2): 2}


def test_what_lots_pay_is_counted_by_programme_where_they_have_one():
    lots = [lot(A, programme_id=ONE), lot(B, programme_id=ONE), lot(C)]
    assert by_programme({A: 5, B: 6, C: 7, UUID(int=8): 9}, lots) == {ONE: 11}


def test_only_skus_with_a_limit_and_its_days_are_counted():
    lines = [
        line(1),
        line(2, member_limit=2, member_limit_days=30),
        line(3, member_limit=2),
        line(4, member_limit_days=30),
    ]
    assert limited(lines) == {sku(2): 30}


@pytest.mark.parametrize(("quantity", "bought"), [(2, None), (2, 0), (1, 1)])
def test_a_member_may_have_as_many_as_the_limit(quantity, bought):
    so_far = {} if bought is None else {sku(1): bought}
    check_member_limits([line(2), line(1, quantity, member_limit=2, member_limit_days=30)], so_far)


@pytest.mark.parametrize(("quantity", "bought"), [(3, 0), (2, 1), (1, 2)])
def test_one_more_than_the_limit_is_refused(quantity, bought):
    lines = [line(2), line(1, quantity, member_limit=2, member_limit_days=30)]
    so_far = {sku(1): bought} if bought else {}
    assert refused(MemberLimitReached, check_member_limits, lines, so_far) == (
        "lines.1.quantity",
        {"product": "虾干", "days": 30, "limit": 2, "bought": bought},
    )


OF_TWO = {"supplier_id": TWO, "supplier_name": "徐闻"}


@pytest.mark.parametrize(
    ("lines", "fees"),
    [
        ([], []),
        ([line(1)], [(ONE, 0)]),
        ([line(1, 1, template=tariff())], [(ONE, 800)]),
        ([line(1, 3, template=tariff())], [(ONE, 1200)]),
        # One parcel for all that goes by the same tariff; one more for another tariff.
        ([line(1, 1, template=tariff()), line(2, 2, template=tariff())], [(ONE, 1200)]),
        ([line(1, 1, template=tariff(1)), line(2, 2, template=tariff(2))], [(ONE, 1800)]),
        ([line(1, 1, template=tariff()), line(2)], [(ONE, 800)]),
        # By weight every unit counts: three of 500 grams are one block of 1000 and half a block.
        ([line(1, 3, template=tariff(charge_by=WEIGHT, units=1000))], [(ONE, 1000)]),
        ([line(1, 2, template=tariff(charge_by=WEIGHT, units=1000))], [(ONE, 800)]),
        # Free over an amount: that of all that is sent, and of nothing that is collected.
        ([line(1, 2, template=tariff(free_over_fen=2000))], [(ONE, 0)]),
        ([line(1, 2, template=tariff(free_over_fen=2001))], [(ONE, 1000)]),
        (
            [
                line(1, 1, template=tariff(free_over_fen=2000)),
                line(2, 1, template=tariff(free_over_fen=2000)),
            ],
            [(ONE, 0)],
        ),
        (
            [
                line(1, 1, template=tariff(free_over_fen=2000)),
                line(2, 5, "store_pickup", template=tariff(free_over_fen=2000)),
            ],
            [(ONE, 800)],
        ),
        # The tariff of the region that it goes to.
        ([line(1, 1, template=tariff(regions=("440800",)))], [(ONE, 800)]),
        ([line(1, 1, "store_pickup", template=tariff())], []),
        ([line(1, 1, "unit_delivery", template=tariff())], []),
        # Two suppliers, each with its own fee, in the order of their ids.
        (
            [line(1, 2, template=tariff(2), **OF_TWO), line(2, 1, template=tariff())],
            [(ONE, 800), (TWO, 1000)],
        ),
    ],
)
def test_each_supplier_charges_for_what_it_sends(lines, fees):
    assert freight(lines, "440802") == [FreightLine(*each) for each in fees]


def test_what_is_sent_needs_an_address_and_what_is_collected_none():
    assert refused(AddressNeeded, freight, [line(1)], None)[0] == "address_id"
    assert freight([line(1, 1, "store_pickup")], None) == []


@pytest.mark.parametrize("template", [tariff(regions=("110000",)), tariff(is_served=False)])
def test_where_a_supplier_does_not_deliver_nothing_is_sent(template):
    lines = [line(2), line(1, template=template, **OF_TWO)]
    assert refused(RegionNotServed, freight, lines, "440802") == (
        "address_id",
        {"supplier": "徐闻"},
    )


def lot(key, balance=1000, **changes):
    return Lot(key, balance, EXPIRES, **changes)


SCOPED = {"product_ids": frozenset({sku(101)})}
WHOLE = {"allows_top_up": False}


@pytest.mark.parametrize(
    ("lots", "tender", "cap", "beans"),
    [
        ([lot(A)], "wechat", None, 0),
        ([lot(A)], "mixed", None, 1000),
        ([lot(A)], "mixed", 300, 300),
        ([lot(A)], "mixed", 0, 0),
        ([lot(A, 1800)], "mixed", None, 1800),
        ([lot(A, 1800)], "beans", None, 1800),
        # The cap is that of a mixed tender only.
        ([lot(A, 1800)], "beans", 300, 1800),
        ([], "mixed", None, 0),
        # A scope pays for its goods and never for freight.
        ([lot(A, 9000, **SCOPED)], "mixed", None, 1000),
        ([lot(A, 9000, **SCOPED), lot(B, 300)], "mixed", None, 1300),
        # Beans for whole orders only: with the last fen, and not with one less.
        ([lot(A, 1800, **WHOLE)], "mixed", None, 1800),
        ([lot(A, 1799, **WHOLE)], "mixed", None, 0),
        ([lot(A, 1799, **WHOLE), lot(B, 500)], "mixed", None, 1800),
        ([lot(A, 1200, **WHOLE), lot(B, 500)], "mixed", None, 500),
        ([lot(A, 1800, **WHOLE), lot(B, 500)], "mixed", 300, 300),
    ],
)
def test_beans_pay_what_they_can_and_the_tender_allows(lots, tender, cap, beans):
    quote = with_beans([line(1)], [FreightLine(ONE, 800)], lots, tender, cap)
    assert (quote.total_fen, quote.beans_fen, quote.wechat_fen) == (1800, beans, 1800 - beans)
    by_lot = {each.id: each for each in lots}
    for draw in (*quote.lines[0].draws, *quote.freight[0].draws):
        assert by_lot[draw.lot_id].balance_fen >= draw.amount_fen > 0


@pytest.mark.parametrize(
    ("lots", "missing"),
    [
        ([], 1800),
        ([lot(A, 1799)], 1),
        ([lot(A, 9000, **SCOPED)], 800),
        ([lot(A, 1, **WHOLE)], 1800),
    ],
)
def test_beans_alone_must_reach_to_the_last_fen(lots, missing):
    goods, fees = [line(1)], [FreightLine(ONE, 800)]
    refusal = refused(NotEnoughBeans, with_beans, goods, fees, lots, "beans", None)
    assert refusal == ("tender", {"missing_fen": missing})


def test_each_line_and_fee_keeps_the_draws_that_pay_for_it():
    lots = [lot(A, 2140), lot(B, 9000)]
    goods = [line(1, 2), line(2, 2, price_fen=70)]
    fees = [FreightLine(ONE, 800), FreightLine(TWO, 5)]
    quote = with_beans(goods, fees, lots, "beans", None)
    assert [each.beans_fen for each in quote.lines] == [2000, 140]
    assert [each.beans_fen for each in quote.freight] == [800, 5]
    assert [each.amount_fen for each in quote.lines] == [2000, 140]
    assert [(each.supplier_id, each.fee_fen) for each in quote.freight] == [(ONE, 800), (TWO, 5)]
    assert quote.lot_amounts() == {A: 2140, B: 805}
