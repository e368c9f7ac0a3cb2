"""What comes with time: birthdays, windows, expiry, reminders."""

from datetime import date, datetime, timedelta

import pytest

from mall.kernel import clock
from mall.kernel.clock import BEIJING, beijing_day
from tests.support.database import execute_sql
from tests.support.people import order_body
from tests.support.shop import new_sku, stock_of
from tests.support.working import run_outbox, run_sweep


@pytest.fixture
def goes_to(world):
    """Move the clock to an instant in Beijing; nobody has to sign in again."""

    def go(day, hour=9, minute=0, second=0):
        at = datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=BEIJING)
        clock.freeze(at.astimezone(clock.now().tzinfo))
        execute_sql(world, "UPDATE access_token SET expires_at = '2099-01-01'")

    return go


def selection(union, *product_ids):
    items = [{"product_id": str(each)} for each in product_ids]
    body = {"name": f"选品 {product_ids[0]}", "items": items}
    return union.handler.post("/v1/union/selections", body).get_json()["id"]


def cakes(union, world):
    """Return a selection of the cakes of two merchants, and their SKUs."""
    made = [new_sku(world, fen, 50, delivery_modes=("store_pickup",)) for fen in (12_800, 5_600)]
    return selection(union, *(product for product, _ in made)), [sku for _, sku in made]


def dashboard(union, programme_id):
    return union.auditor.get(f"/v1/union/programmes/{programme_id}/dashboard").get_json()


def test_cake_beans_come_on_each_birthday_and_buy_cakes_of_several_merchants(
    union, audited, world, goes_to
):
    goes_to(date(2027, 1, 1))
    chosen, skus = cakes(union, world)
    born = ("1990-01-01", "1988-02-29", "1985-03-15", "", "1990-12-01")
    rows = [(*row[:4], day) for row, day in zip(union.people(len(born)), born, strict=True)]
    programme_id = union.issued(
        kind="cake",
        per_member_fen=20_000,
        delivery="store_pickup",
        selection_id=chosen,
        birthday="day",
        opens_on="2027-01-01",
        closes_on="2027-03-31",
        expires_on="2027-06-30",
        roster_id=union.roster(rows),
    )
    people = [union.members[row[1]] for row in rows]

    def have():
        return [len(each.get("/v1/store/entitlements").get_json()["items"]) for each in people]

    # Born today; and one without a birthday, of whom the approver was warned.
    assert have() == [1, 0, 0, 1, 0]
    for day, wanted in (
        (date(2027, 2, 27), [1, 0, 0, 1, 0]),
        # 29 February is the 28th in a common year.
        (date(2027, 2, 28), [1, 1, 0, 1, 0]),
        (date(2027, 3, 15), [1, 1, 1, 1, 0]),
        # Whose birthday lies outside the window gets it on the last day.
        (date(2027, 3, 31), [1, 1, 1, 1, 1]),
    ):
        goes_to(day)
        union.run()
        assert have() == wanted, day
        union.run()
        assert have() == wanted, day
    person = people[2]
    order = order_body(skus, "beans", 18_400)
    placed = person.post("/v1/store/orders", order).get_json()
    assert (placed["beans_fen"], placed["wechat_fen"]) == (18_400, 0)
    run_outbox(world)
    parts = person.get(f"/v1/store/orders/{placed['order_id']}/fulfillment-orders").get_json()
    assert [part["delivery_mode"] for part in parts["items"]] == ["store_pickup"] * 2
    audited()
    goes_to(date(2027, 7, 1), 0, 5)
    union.run()
    assert union.read(programme_id)["state"] == "closed"
    assert union.bill(programme_id)["surplus_fen"] == 5 * 20_000 - 18_400
    audited()


def test_birthdays_by_month_come_on_its_first_day(union, audited, world, goes_to):
    goes_to(date(2027, 1, 10))
    rows = [
        (*row[:4], day)
        for row, day in zip(
            union.people(3), ("1990-01-31", "1990-02-28", "1990-03-01"), strict=True
        )
    ]
    programme_id = union.issued(
        kind="open",
        birthday="month",
        opens_on="2027-01-10",
        closes_on="2027-03-31",
        roster_id=union.roster(rows),
    )
    assert union.progress(programme_id)["issued"] == 1
    for day, issued in ((date(2027, 1, 31), 1), (date(2027, 2, 1), 2), (date(2027, 3, 1), 3)):
        goes_to(day, 0, 1)
        union.run()
        assert union.progress(programme_id)["issued"] == issued, day
    audited()


def test_case_24_open_beans_buy_anything_and_what_is_left_at_expiry_goes_to_the_fund(
    union, audited, world, goes_to
):
    rows = union.people(2)
    today = beijing_day(clock.now())
    programme_id = union.issued(
        kind="open", allows_top_up=True, roster_id=union.roster(rows), leftover="return"
    )
    person = union.members[rows[0][1]]
    _, sku = new_sku(world, 12_345)
    assert person.post("/v1/store/orders", order_body([sku], "beans", 12_345)).status_code == 201
    found = dashboard(union, programme_id)
    assert (found["money"]["outstanding_fen"], found["people"]["not_chosen"]) == (47_655, 1)
    goes_to(today + timedelta(days=11), 0, 0, 0)
    late = person.post("/v1/store/orders", order_body([sku], "beans", 12_345))
    assert late.get_json()["code"] == "not_enough_beans"
    run_sweep(world, "lapse_expired_lots")
    money = dashboard(union, programme_id)["money"]
    assert (money["returned_fen"], money["balance_fen"]) == (47_655, 47_655)
    union.run()
    found = dashboard(union, programme_id)
    assert (found["state"], found["people"]["ended"]) == ("closed", 2)
    audited()


def test_case_24_what_lapses_by_the_rules_goes_to_nobody(union, audited, world, goes_to):
    rows = union.people(2)
    today = beijing_day(clock.now())
    packs = [union.pack(30_000)[0], union.pack(20_000)[0]]
    programme_id = union.issued(roster_id=union.roster(rows), pack_ids=packs, leftover="lapse")
    assert union.redeem(union.members[rows[0][1]], programme_id, packs[1]).status_code == 201
    goes_to(today + timedelta(days=11))
    union.run()
    found = dashboard(union, programme_id)
    money = found["money"]
    assert (found["state"], money["lapsed_fen"], money["balance_fen"]) == ("closed", 40_000, 0)
    assert money["spent_fen"] + money["lapsed_fen"] == money["received_fen"] == 60_000
    run_outbox(world)
    audited()


def test_case_23_the_window_ends_at_midnight_in_beijing(union, audited, world, goes_to):
    goes_to(date(2027, 1, 10))
    rows = union.people(2)
    packs = [union.pack(30_000)[0] for _ in range(2)]
    programme_id = union.issued(
        opens_on="2027-01-11",
        closes_on="2027-01-20",
        roster_id=union.roster(rows),
        pack_ids=packs,
    )
    first, second = (union.members[row[1]] for row in rows)
    early = union.redeem(first, programme_id, packs[0])
    assert (early.status_code, early.get_json()["code"]) == (409, "window_not_open")
    goes_to(date(2027, 1, 20), 23, 59, 59)
    assert union.redeem(first, programme_id, packs[0]).status_code == 201
    # Nothing has swept yet: the rule holds by itself.
    goes_to(date(2027, 1, 21), 0, 0, 0)
    late = union.redeem(second, programme_id, packs[0])
    assert late.get_json()["code"] == "window_not_open"
    right = union.right_of(first, programme_id)
    change = first.post(f"/v1/store/entitlements/{right['id']}/change", {"pack_id": packs[1]})
    assert change.get_json()["code"] == "window_not_open"
    run_outbox(world)
    audited()


def test_case_23_a_pack_runs_out_while_others_remain(union, audited, world):
    rows = union.people(3)
    scarce, [sku] = union.pack(30_000, stock=1)
    plenty, _ = union.pack(30_000)
    programme_id = union.issued(roster_id=union.roster(rows), pack_ids=[scarce, plenty])
    first, second, third = (union.members[row[1]] for row in rows)
    assert union.redeem(first, programme_id, scarce).status_code == 201
    gone = union.redeem(second, programme_id, scarce).get_json()
    assert (gone["code"], gone["problems"][0]["code"]) == ("lines_unavailable", "sold_out")
    right = union.right_of(second, programme_id)
    shown = second.get(f"/v1/store/entitlements/{right['id']}").get_json()["packs"]
    assert [pack["available"] for pack in shown] == [0, 1000]
    assert union.redeem(second, programme_id, plenty).status_code == 201
    # Who changes away from it makes room for another.
    right = union.right_of(first, programme_id)
    changed = first.post(f"/v1/store/entitlements/{right['id']}/change", {"pack_id": plenty})
    assert changed.status_code == 201
    assert union.redeem(third, programme_id, scarce).status_code == 201
    assert stock_of(world, sku) == (0, 0)
    run_outbox(world)
    audited()


def test_so_many_items_within_an_amount(union, audited, world):
    made = [new_sku(world, fen) for fen in (10_000, 15_000)]
    _, outside = new_sku(world, 100)
    rows = union.people(1)
    programme_id = union.issued(
        kind="restricted",
        max_items=2,
        selection_id=selection(union, *(product for product, _ in made)),
        roster_id=union.roster(rows),
    )
    person = union.members[rows[0][1]]
    right = union.right_of(person, programme_id)
    path = f"/v1/store/entitlements/{right['id']}/redeem"
    cheap, dear = (str(sku) for _, sku in made)

    def choose(*wanted):
        items = [{"sku_id": sku, "quantity": quantity} for sku, quantity in wanted]
        return person.post(path, {"items": items})

    assert choose((cheap, 3)).get_json()["code"] == "too_many_items"
    assert choose((cheap, 1), (cheap, 1)).get_json()["code"] == "invalid"
    assert choose((str(outside), 1)).get_json()["code"] == "invalid"
    assert choose().get_json()["code"] == "invalid"
    reply = choose((cheap, 1), (dear, 1))
    assert (reply.status_code, reply.get_json()["total_fen"]) == (201, 25_000)
    # A right of this kind is no purse: nothing of it pays at the checkout.
    assert person.get("/v1/store/beans").get_json()["balance_fen"] == 0
    assert choose((cheap, 1)).get_json()["code"] == "already_redeemed"
    run_outbox(world)
    assert dashboard(union, programme_id)["money"]["outstanding_fen"] == 5_000
    audited()


def test_who_has_not_chosen_is_reminded_once_in_twenty_hours(union, world):
    rows = union.people(3) + union.people(1, members_too=False)
    packs = [union.pack(30_000)[0] for _ in range(2)]
    programme_id = union.issued(roster_id=union.roster(rows), pack_ids=packs)
    assert union.redeem(union.members[rows[0][1]], programme_id, packs[0]).status_code == 201
    path = f"/v1/union/programmes/{programme_id}/reminders"
    assert union.handler.post(path).get_json() == {"reminded": 2}
    assert union.handler.post(path).get_json() == {"reminded": 0}
    texts = [
        notice["text"]
        for notice in union.members[rows[1][1]].get("/v1/store/notices").get_json()["items"]
    ]
    assert len(texts) == 2 and "还没有选择" in texts[0]
    clock.freeze(clock.now() + timedelta(hours=21))
    execute_sql(world, "UPDATE access_token SET expires_at = '2099-01-01'")
    assert union.handler.post(path).get_json() == {"reminded": 2}
    assert len(union.members[rows[0][1]].get("/v1/store/notices").get_json()["items"]) == 1
