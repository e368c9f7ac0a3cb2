"""Purchases from assisted suppliers count towards a union's target, month by month."""

from datetime import UTC, date, datetime
from uuid import uuid4

import pytest

from mall.kernel import clock
from orders.assistance import rules as assistance_rules
from tests.support.database import execute_sql
from tests.support.people import login_again, new_member, new_staff, order_body
from tests.support.sheets import opened
from tests.support.shop import new_sku, new_supplier, qualify
from tests.support.working import run_sweep


class Office:
    """A union with an officer, a member, and goods of an assisted and of another supplier."""

    def __init__(self, world):
        self.world = world
        self.operator = new_staff(world, "operator")
        self.union_id = self.open("440800-1")
        self.officer = new_staff(world, "union_officer", self.union_id)
        self.member = new_member(world, beans_fen=1_000_000)
        self.join(self.member, "2026-01-01")
        helped = new_supplier(world)
        qualify(world, helped, "assistance", region_code="440825")
        self.helped, self.plain = new_sku(world, 1000, 500, helped)[1], new_sku(world, 1000, 500)[1]

    def open(self, code):
        body = {"code": code, "name": f"工会 {code}"}
        return self.operator.post("/v1/ops/unions", body).get_json()["id"]

    def join(self, member, joined_on, left_on=None, union_id=None):
        path = f"/v1/ops/unions/{union_id or self.union_id}/members/{member.id}"
        reply = self.operator.put(path, {"joined_on": joined_on, "left_on": left_on})
        assert reply.status_code == 204

    def buy(self, at, sku=None, quantity=1, by_union=False):
        """Let the member pay for goods at an instant, for itself or for the union."""
        clock.freeze(at)
        # Tokens of now are not good then.
        buyer = login_again(self.world, self.member)
        body = order_body([sku or self.helped], total_fen=1000 * quantity, quantity=quantity)
        placed = buyer.post("/v1/store/orders", body)
        assert placed.status_code == 201, placed.get_json()
        if by_union:
            execute_sql(
                self.world,
                "UPDATE shop_order SET union_id = :u WHERE id = :o",
                u=self.union_id,
                o=placed.get_json()["order_id"],
            )

    def target(self, year=2026, **body):
        return self.officer.put(f"/v1/union/assistance/{year}", body)

    def read(self, year=2026):
        return self.officer.get(f"/v1/union/assistance/{year}").get_json()


@pytest.fixture
def office(world):
    return Office(world)


def test_what_union_and_members_bought_is_counted_by_month(office):
    office.target(target_fen=100_000, counts_members=True)
    office.buy(datetime(2026, 11, 3, tzinfo=UTC), quantity=2)
    office.buy(datetime(2026, 11, 4, tzinfo=UTC), quantity=3, by_union=True)
    office.buy(datetime(2026, 11, 5, tzinfo=UTC), office.plain, quantity=9)
    office.buy(datetime(2026, 12, 6, tzinfo=UTC))
    clock.freeze(None)
    found = office.read()
    months = {each["month"]: each for each in found["months"]}
    assert len(months) == 12
    assert (months[11]["union_fen"], months[11]["members_fen"]) == (3000, 2000)
    assert (months[12]["members_fen"], months[12]["cumulative_fen"]) == (1000, 6000)
    assert (found["done_fen"], found["missing_fen"]) == (6000, 94_000)


def test_members_own_purchases_count_only_where_the_union_chooses_so(office):
    office.buy(datetime(2026, 11, 3, tzinfo=UTC), quantity=2)
    clock.freeze(None)
    office.target(target_fen=100_000)
    found = office.read()
    assert (found["done_fen"], found["months"][10]["members_fen"]) == (0, 2000)
    office.target(target_fen=100_000, counts_members=True)
    assert office.read()["done_fen"] == 2000


def test_months_begin_at_midnight_in_beijing(office):
    office.target(target_fen=1, counts_members=True)
    office.buy(datetime(2026, 11, 30, 15, 59, tzinfo=UTC))
    office.buy(datetime(2026, 11, 30, 16, 0, tzinfo=UTC), quantity=2)
    clock.freeze(None)
    months = [each["members_fen"] for each in office.read()["months"]]
    assert months[10:] == [1000, 2000]


def test_only_days_of_membership_count_and_for_every_union_of_the_member(office):
    other = office.open("440800-2")
    colleague = new_staff(office.world, "union_officer", other)
    office.join(office.member, "2026-01-01", "2026-11-10")
    office.join(office.member, "2026-11-05", union_id=other)
    for day in (3, 7, 12):
        office.buy(datetime(2026, 11, day, tzinfo=UTC))
    clock.freeze(None)
    office.target(target_fen=1, counts_members=True)
    colleague.put("/v1/union/assistance/2026", {"target_fen": 1, "counts_members": True})
    theirs = colleague.get("/v1/union/assistance/2026").get_json()
    assert (office.read()["done_fen"], theirs["done_fen"]) == (2000, 2000)


def test_what_was_true_at_the_sale_counts_whatever_comes_later(office):
    office.target(target_fen=1, counts_members=True)
    office.buy(datetime(2026, 11, 3, tzinfo=UTC))
    execute_sql(office.world, "UPDATE supplier_qualification SET valid_until = '2026-11-04'")
    office.buy(datetime(2026, 11, 8, tzinfo=UTC))
    clock.freeze(None)
    assert office.read()["done_fen"] == 1000


def test_a_cancelled_order_does_not_count(office):
    office.target(target_fen=1, counts_members=True)
    office.buy(datetime(2026, 11, 3, tzinfo=UTC))
    clock.freeze(None)
    execute_sql(office.world, "UPDATE shop_order SET state = 'cancelled'")
    assert office.read()["done_fen"] == 0


def test_a_target_may_be_a_share_of_the_budget(office):
    reply = office.target(budget_fen=1_000_001, share_bps=3000).get_json()
    assert reply["target_fen"] == 300_001


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "target_fen"),
        ({"target_fen": 1, "share_bps": 1, "budget_fen": 1}, "target_fen"),
        ({"share_bps": 3000}, "budget_fen"),
        ({"target_fen": -1}, "target_fen"),
    ],
)
def test_a_target_that_says_nothing_or_two_things_is_refused(office, body, field):
    reply = office.target(**body)
    assert (reply.status_code, reply.get_json()["field"]) == (422, field)
    assert office.read()["code"] == "no_assistance_target"


def test_a_union_without_a_row_and_a_year_out_of_reason_are_not_found(office):
    stranger = new_staff(office.world, "union_officer", uuid4())
    assert stranger.put("/v1/union/assistance/2026", {"target_fen": 1}).status_code == 404
    assert office.officer.get("/v1/union/assistance/1999").status_code == 404


def test_who_is_behind_is_reminded_once_a_month(office):
    office.target(target_fen=365_000)
    told = []
    for day in (date(2026, 12, 1), date(2026, 12, 20), date(2026, 12, 30)):
        clock.freeze(datetime(day.year, day.month, day.day, 4, tzinfo=UTC))
        told.append(run_sweep(office.world, "remind_unions"))
    clock.freeze(None)
    assert told == [1, 0, 0]
    [notice] = office.officer.get("/v1/union/notices").get_json()["items"]
    assert notice["kind"] == "assistance_behind" and "3350.00" in notice["text"]


def test_who_is_on_time_is_not_reminded(office):
    office.target(target_fen=3000, counts_members=True)
    office.buy(datetime(2026, 11, 26, tzinfo=UTC), quantity=3)
    assert run_sweep(office.world, "remind_unions") == 0


def test_the_workbook_says_the_same(office):
    office.target(target_fen=100_000, counts_members=True)
    office.buy(datetime(2026, 11, 3, tzinfo=UTC), quantity=2)
    clock.freeze(None)
    head, *rows = opened(office.officer.get("/v1/union/assistance/2026.xlsx").data)
    assert len(rows) == 13 and head[0] == "月份"
    assert rows[10] == ["2026-11", 0, 20, 20, 20, 1000]
    assert rows[12][3] == 20


def test_operators_see_all_unions_by_pages(office):
    office.target(target_fen=100_000)
    other = office.open("440800-2")
    colleague = new_staff(office.world, "union_officer", other)
    colleague.put("/v1/union/assistance/2026", {"target_fen": 5})
    first = office.operator.get("/v1/ops/assistance/2026?limit=1").get_json()
    cursor = first["next_cursor"]
    rest = office.operator.get(f"/v1/ops/assistance/2026?limit=1&cursor={cursor}").get_json()
    found = [each["union_id"] for each in first["items"] + rest["items"]]
    assert sorted(found) == sorted([office.union_id, other]) and rest["next_cursor"] is None


@pytest.mark.parametrize(
    ("on", "expected"),
    [
        (date(2025, 12, 31), 0),
        (date(2026, 1, 1), 1000),
        (date(2026, 12, 31), 365_000),
        (date(2027, 1, 5), 365_000),
    ],
)
def test_every_day_of_a_year_bears_the_same(on, expected):
    assert assistance_rules.expected_fen(365_000, 2026, on) == expected
