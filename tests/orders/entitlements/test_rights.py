"""The life of a right at its edges: last days, what is not the default, between request and worker."""

from datetime import date, timedelta

import pytest

from mall.kernel import clock
from mall.kernel.clock import beijing_day
from orders.entitlements import rules as entitlement_rules
from tests.orders.collective.test_over_time import selection
from tests.support.database import execute_sql, select_rows
from tests.support.people import new_staff, order_body
from tests.support.shop import new_sku, new_supplier, set_stock

OPENS, CLOSES = date(2027, 2, 10), date(2028, 3, 20)


@pytest.mark.parametrize(
    ("rule", "born", "due"),
    [
        ("none", date(1990, 1, 1), None),
        ("day", None, None),
        ("day", date(1990, 2, 10), OPENS),
        ("day", date(1990, 2, 9), date(2028, 2, 9)),
        ("day", date(1988, 2, 29), date(2027, 2, 28)),
        ("day", date(1990, 3, 20), date(2027, 3, 20)),
        ("month", date(1990, 2, 28), OPENS),
        ("month", date(1990, 1, 31), date(2028, 1, 1)),
        ("month", date(1990, 3, 31), date(2027, 3, 1)),
    ],
)
def test_a_birthday_right_is_due_on_its_day(rule, born, due):
    assert entitlement_rules.due_on(rule, born, OPENS, CLOSES) == due


def test_a_birthday_outside_of_the_window_is_due_on_its_last_day():
    window = date(2027, 2, 10), date(2027, 2, 20)
    assert entitlement_rules.due_on("day", date(1990, 7, 1), *window) == window[1]
    assert entitlement_rules.due_on("day", date(1990, 2, 20), *window) == window[1]
    assert entitlement_rules.due_on("day", date(1990, 2, 21), *window) == window[1]


def test_codes_are_read_as_people_type_them():
    code = entitlement_rules.new_code()
    assert (len(code), code) == (entitlement_rules.CODE_LENGTH, entitlement_rules.plain_code(code))
    typed = "-".join(code[n : n + 4] for n in range(0, 16, 4)).lower().replace("0", "o")
    assert entitlement_rules.plain_code(f" {typed} ") == code
    assert len({entitlement_rules.new_code() for _ in range(50)}) == 50


@pytest.fixture
def choice(union, world):
    """Two packs, somebody who may choose one, and the programme."""
    rows = union.people(1)
    packs = [union.pack(30_000)[0] for _ in range(2)]
    programme = union.issued(roster_id=union.roster(rows), pack_ids=packs)
    return union.members[rows[0][1]], programme, packs


def at_end_of(world, day):
    """Move to the last second of a day in Beijing."""
    at = clock.now().astimezone(clock.BEIJING)
    at = at.replace(year=day.year, month=day.month, day=day.day, hour=23, minute=59, second=59)
    clock.freeze(at.astimezone(clock.now().tzinfo))
    execute_sql(world, "UPDATE access_token SET expires_at = '2099-01-01'")


def test_on_the_last_valid_day_a_right_is_redeemed_and_a_second_later_it_is_not(
    union, choice, audited, world
):
    person, programme, packs = choice
    at_end_of(world, beijing_day(clock.now()) + timedelta(days=10))
    assert union.redeem(person, programme, packs[0]).status_code == 201
    right = union.right_of(person, programme)
    clock.freeze(clock.now() + timedelta(seconds=1))
    change = f"/v1/store/entitlements/{right['id']}/change"
    assert person.post(change, {"pack_id": packs[1]}).get_json()["code"] == "window_not_open"
    audited()


def test_after_the_close_was_asked_for_nothing_is_redeemed_although_no_worker_came_yet(
    union, choice, audited
):
    person, programme, packs = choice
    path = f"/v1/union/programmes/{programme}/close"
    assert union.approver.post(path, {"reason": "提前结束"}).status_code == 202
    refused = union.redeem(person, programme, packs[0])
    assert (refused.status_code, refused.get_json()["code"]) == (409, "window_not_open")
    union.run()
    assert union.read(programme)["state"] == "closed"
    assert union.bill(programme)["surplus_fen"] == 30_000
    audited()


def test_a_choice_made_before_the_close_was_asked_for_is_delivered(union, choice, audited):
    person, programme, packs = choice
    assert union.redeem(person, programme, packs[0]).status_code == 201
    path = f"/v1/union/programmes/{programme}/close"
    assert union.approver.post(path, {"reason": "提前结束"}).status_code == 202
    right = union.right_of(person, programme)
    change = f"/v1/store/entitlements/{right['id']}/change"
    assert person.post(change, {"pack_id": packs[1]}).get_json()["code"] == "window_not_open"
    union.run()
    assert union.bill(programme)["surplus_fen"] == 0
    audited()


def test_of_a_selection_limited_to_skus_no_other_sku_is_taken(union, audited, world):
    """Its product is in the selection, the SKU is not."""
    supplier_id = new_supplier(world)
    product, inside = new_sku(world, 10_000, 9, supplier_id)
    execute_sql(
        world,
        "INSERT INTO sku (id, product_id, supplier_id, code, options, price_fen, list_price_fen,"
        " weight_grams, min_per_order, max_per_order, is_active, position, low_stock_at)"
        " SELECT gen_random_uuid(), product_id, supplier_id, code || '-2', options, 100, 100,"
        " weight_grams, min_per_order, max_per_order, true, 1, low_stock_at FROM sku"
        " WHERE id = :id",
        id=inside,
    )
    [outside] = [
        row.id for row in select_rows(world, "SELECT id FROM sku WHERE id <> :id", id=inside)
    ]
    set_stock(world, outside, 5)
    items = [{"product_id": str(product), "sku_ids": [str(inside)]}]
    chosen = union.handler.post("/v1/union/selections", {"name": "限定规格", "items": items})
    rows = union.people(1)
    programme = union.issued(
        kind="restricted",
        max_items=2,
        selection_id=chosen.get_json()["id"],
        roster_id=union.roster(rows),
    )
    person = union.members[rows[0][1]]
    path = f"/v1/store/entitlements/{union.right_of(person, programme)['id']}/redeem"

    def take(sku):
        return person.post(path, {"items": [{"sku_id": str(sku), "quantity": 1}]})

    refused = take(outside).get_json()
    assert (refused["code"], refused["field"]) == ("invalid", "items.0.sku_id")
    assert take(inside).status_code == 201
    audited()


def test_a_deactivated_pack_is_not_submitted_and_one_that_was_approved_is_still_given(
    union, audited
):
    packs = [union.pack(30_000) for _ in range(2)]
    ids = [each[0] for each in packs]

    def set_active(pack_id, is_active):
        pack = union.handler.get(f"/v1/union/packs/{pack_id}").get_json()
        parts = [
            {name: part[name] for name in ("sku_id", "quantity", "price_fen")}
            for part in pack["parts"]
        ]
        body = {"title": pack["title"], "parts": parts, "is_active": is_active}
        assert union.handler.put(f"/v1/union/packs/{pack_id}", body).status_code == 200

    rows = union.people(1)
    programme = union.issued(roster_id=union.roster(rows), pack_ids=ids)
    set_active(ids[0], False)
    draft = union.draft(roster_id=union.roster(union.people(1)), pack_ids=ids).get_json()
    refused = union.handler.post(f"/v1/union/programmes/{draft['id']}/submit")
    assert "not_for_sale" in {each["code"] for each in refused.get_json()["problems"]}
    # What was approved is kept as it was then.
    assert union.redeem(union.members[rows[0][1]], programme, ids[0]).status_code == 201
    audited()


def test_what_is_left_lapses_where_the_programme_says_so(union, audited, world):
    product, sku = new_sku(world, 10_000)
    rows = union.people(2)
    programme = union.issued(
        kind="restricted",
        selection_id=selection(union, product),
        leftover="lapse",
        roster_id=union.roster(rows),
    )
    person = union.members[rows[0][1]]
    body = order_body([sku], "beans", 10_000)
    assert person.post("/v1/store/orders", body).status_code == 201
    path = f"/v1/union/programmes/{programme}/close"
    assert union.approver.post(path, {"reason": "到期"}).status_code == 202
    union.run()
    money = union.auditor.get(f"/v1/union/programmes/{programme}/dashboard").get_json()["money"]
    assert (money["lapsed_fen"], money["balance_fen"], money["outstanding_fen"]) == (50_000, 0, 0)
    accounts = new_staff(world, "operator").get("/v1/ops/ledger/accounts").get_json()["items"]
    assert {each["account"]: each["balance_fen"] for each in accounts}["beans:lapsed"] == 50_000
    audited()


@pytest.mark.parametrize("over", [0, 1])
def test_a_payout_may_leave_exactly_what_is_still_to_be_issued(union, audited, over):
    """At the budget to the fen: the programme stays funded; one fen more and it waits for money."""
    packs = [union.pack(30_000)[0] for _ in range(2)]
    programme = union.approved(roster_id=union.roster(union.people(2)), pack_ids=packs)
    union.fund(programme, 61_000)
    assert union.pay_out(programme, amount_fen=1_000 + over).status_code in (200, 201)
    assert union.read(programme)["state"] == ("approved" if over else "funded")
    assert union.bill(programme)["due_fen"] == over
    audited()
