"""How a right becomes an order: when, of what, at which prices, and what pays for it."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from mall.kernel.errors import Invalid
from orders.checkout.rules import LinesUnavailable, QuoteLine, WantedLine
from orders.redeeming import rules as redeeming_rules
from orders.redeeming import service as redeeming_service
from orders.redeeming.rules import (
    Choice,
    ChoiceTooDear,
    Plan,
    TooManyItems,
    Wanted,
    WindowNotOpen,
    check_selection,
    check_window,
    lines_of,
    quote,
    wanted_of_items,
    wanted_of_pack,
)
from tests.support.offers import offer, refusals, refused, sku

A, B, C = (UUID(int=n) for n in (201, 202, 203))
OPENS, CLOSES = date(2026, 3, 1), date(2026, 3, 2)
BEGINS, ENDS = datetime(2026, 2, 28, 16, tzinfo=UTC), datetime(2026, 3, 2, 16, tzinfo=UTC)
INSTANT = timedelta(microseconds=1)


def test_each_refusal_has_its_status():
    assert refusals(redeeming_rules) == {
        "not_redeemable": 409,
        "window_not_open": 409,
        "too_many_items": 422,
        "choice_too_dear": 422,
    }


def test_a_choice_of_which_nothing_is_said_is_of_nothing_and_a_plan_is_the_members_own():
    assert Choice() == Choice(None, (), None)
    assert Plan(A, B, None, (), "ship", 0, A, B).by_code is False


@pytest.mark.parametrize("at", [BEGINS, BEGINS + INSTANT, ENDS - INSTANT])
def test_a_right_is_redeemed_from_the_first_midnight_of_its_window(at):
    check_window(OPENS, CLOSES, at)


@pytest.mark.parametrize("at", [BEGINS - INSTANT, ENDS, ENDS + INSTANT])
def test_the_midnight_after_the_last_day_ends_the_window(at):
    _, details = refused(WindowNotOpen, check_window, OPENS, CLOSES, at)
    assert details == {"opens_on": "2026-03-01", "closes_on": "2026-03-02"}


PACK = {
    "parts": [
        {"sku_id": str(sku(1)), "quantity": 2, "price_fen": 300},
        {"sku_id": str(sku(2)), "quantity": 1, "price_fen": 50},
    ]
}


@pytest.mark.parametrize(("count", "many"), [((), (2, 1)), ((1,), (2, 1)), ((3,), (6, 3))])
def test_so_many_packs_are_so_many_times_their_parts_at_their_frozen_prices(count, many):
    first, second = wanted_of_pack(PACK, *count)
    assert first == Wanted(sku(1), many[0], 300)
    assert second == Wanted(sku(2), many[1], 50)


@pytest.mark.parametrize("quantities", [(1,), (3,), (1, 2)])
def test_up_to_the_limit_items_are_chosen_freely_at_todays_price(quantities):
    items = [WantedLine(sku(n), quantity) for n, quantity in enumerate(quantities)]
    assert wanted_of_items(items, 3) == tuple(
        Wanted(sku(n), quantity, None) for n, quantity in enumerate(quantities)
    )


@pytest.mark.parametrize(
    ("items", "kind", "details"),
    [
        ([WantedLine(sku(1), 4)], TooManyItems, {"max_items": 3}),
        ([WantedLine(sku(1), 2), WantedLine(sku(2), 2)], TooManyItems, {"max_items": 3}),
        ([], Invalid, {"reason": "nothing_chosen"}),
        (
            [WantedLine(sku(1), 1), WantedLine(sku(1), 2)],
            Invalid,
            {"reason": "sku_repeated"},
        ),
    ],
    ids=["too many of one", "too many together", "nothing", "one twice"],
)
def test_other_choices_are_refused(items, kind, details):
    assert refused(kind, wanted_of_items, items, 3) == ("items", details)


def selection(number, *skus):
    return {"product_id": str(sku(100 + number)), "sku_ids": [str(sku(each)) for each in skus]}


@pytest.mark.parametrize(
    "items",
    [[selection(1)], [selection(1, 1)], [selection(1, 7, 1)], [selection(2, 2), selection(1)]],
    ids=["every SKU of the product", "this SKU", "this and another", "beside another product"],
)
def test_what_the_selection_holds_can_be_chosen(items):
    check_selection([QuoteLine(offer(1), 1, "ship")], items)


@pytest.mark.parametrize(
    "items",
    [[], [selection(2)], [selection(1, 7)], [selection(2, 1)]],
    ids=["nothing is", "another product", "another SKU of the product", "the SKU of another"],
)
def test_what_the_selection_does_not_hold_is_refused_by_its_place(items):
    lines = [QuoteLine(offer(3), 1, "ship"), QuoteLine(offer(1), 1, "ship")]
    field, _ = refused(Invalid, check_selection, lines, [selection(3), *items])
    assert field == "items.1.sku_id"


def test_lines_have_frozen_prices_and_todays_where_none_is_frozen():
    offers = {sku(1): offer(1, available=2), sku(2): offer(2)}
    lines = lines_of([Wanted(sku(1), 2, 0), Wanted(sku(2), 3, None)], offers, "store_pickup")
    assert [(line.quantity, line.offer.price_fen, line.delivery_mode) for line in lines] == [
        (2, 0, "store_pickup"),
        (3, 1000, "store_pickup"),
    ]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"is_for_sale": False}, {"code": "not_for_sale"}),
        ({"available": 1}, {"code": "too_few_left", "available": "1"}),
        ({"available": 0}, {"code": "sold_out", "available": "0"}),
        ({"available": -3}, {"code": "sold_out", "available": "0"}),
        (None, {"code": "not_for_sale"}),
    ],
)
def test_each_line_that_cannot_be_sold_is_told(changes, problem):
    offers = {sku(2): offer(2)}
    if changes is not None:
        offers[sku(1)] = offer(1, **changes)
    wanted = [Wanted(sku(1), 2, None), Wanted(sku(2), 1, None)]
    field, details = refused(LinesUnavailable, lines_of, wanted, offers, "ship")
    assert (field, details) == ("pack_id", {"problems": [{"sku_id": str(sku(1)), **problem}]})


def paid_by(prices, lots):
    lines = [QuoteLine(offer(n, price_fen=price), 1, "ship") for n, price in enumerate(prices)]
    found = quote(lines, lots)
    return found, [[(d.lot_id, d.demand_index, d.amount_fen) for d in x.draws] for x in found.lines]


@pytest.mark.parametrize(
    ("prices", "lots", "draws"),
    [
        ([], [], []),
        ([10], [(A, 10)], [[(A, 0, 10)]]),
        ([10], [(A, 11)], [[(A, 0, 10)]]),
        ([10], [(A, 9), (B, 5)], [[(A, 0, 9), (B, 0, 1)]]),
        ([10], [(A, 10), (B, 5)], [[(A, 0, 10)]]),
        ([10], [(A, 0), (B, 10)], [[(B, 0, 10)]]),
        ([6, 6], [(A, 7), (B, 5)], [[(A, 0, 6)], [(A, 1, 1), (B, 1, 5)]]),
        ([6, 6], [(A, 6), (B, 6)], [[(A, 0, 6)], [(B, 1, 6)]]),
        ([0, 5], [(A, 5)], [[], [(A, 1, 5)]]),
        ([9], [(A, 3), (B, 1), (C, 5)], [[(A, 0, 3), (B, 0, 1), (C, 0, 5)]]),
    ],
)
def test_lots_pay_wholly_and_in_their_order(prices, lots, draws):
    found, paid = paid_by(prices, lots)
    assert paid == draws
    assert (found.total_fen, found.beans_fen, found.freight) == (sum(prices), sum(prices), ())


@pytest.mark.parametrize("lots", [[], [(A, 9)], [(A, 4), (B, 5)]])
def test_a_choice_one_fen_dearer_than_the_lots_is_refused(lots):
    there = sum(amount for _, amount in lots)
    lines = [QuoteLine(offer(1, price_fen=there + 1), 1, "ship")]
    assert refused(ChoiceTooDear, quote, lines, lots) == (
        "items",
        {"total_fen": there + 1, "amount_fen": there},
    )


def test_ten_wrong_codes_an_hour_are_free():
    allowed = redeeming_service.CODES
    assert (allowed.purpose, allowed.tries, allowed.span) == (
        "voucher_code",
        10,
        timedelta(hours=1),
    )


@pytest.mark.parametrize(
    ("first", "second", "count"),
    [
        ({"available": 10}, {"available": 10}, 5),
        ({"available": 9}, {"available": 10}, 4),
        ({"available": 2}, {"available": 1}, 1),
        ({"available": 1}, {"available": 10}, 0),
        ({"available": 10}, {"available": 0}, 0),
        ({"available": -9}, {"available": 10}, 0),
        ({"is_for_sale": False}, {}, 0),
        ({}, {"is_for_sale": False}, 0),
        ({}, None, 0),
    ],
)
def test_of_a_frozen_pack_there_are_as_many_as_its_scarcest_part_allows(first, second, count):
    """It takes two of the first and one of the second."""
    offers = {sku(1): offer(1, **first)}
    if second is not None:
        offers[sku(2)] = offer(2, **second)
    assert redeeming_service._available(PACK, offers) == count


def test_of_a_pack_without_parts_there_is_none():
    assert redeeming_service._available({"parts": []}, {}) == 0
