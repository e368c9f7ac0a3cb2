"""Whatever moves value by an operator's word: alone within the limit, else by two persons."""

import secrets
from datetime import timedelta

import pytest

from mall.kernel import clock
from mall.kernel.clock import beijing_day
from mall.shell import wiring
from tests.support.database import execute_sql, select_rows
from tests.support.people import (
    at_once,
    confirmed_by_second,
    new_member,
    new_staff,
    same_person,
    second_operator,
)
from tests.support.selling import Sale
from tests.support.shop import new_supplier
from tests.support.wechat import ask_mock
from tests.support.working import run_outbox, run_sweep

LIMIT = 100_000
PROPOSALS = "/v1/ops/proposals"


class Grant:
    """Beans for a member."""

    def __init__(self, world):
        self.member = new_member(world)
        self.path = "/v1/ops/beans/grants"

    def body(self, fen):
        return {
            "member_ids": [str(self.member.id)],
            "amount_fen": fen,
            "expires_at": "2030-12-31T16:00:00Z",
            "programme": "慰问",
            "reference": secrets.token_hex(6),
        }

    def moved(self):
        return self.member.get("/v1/store/beans").get_json()["balance_fen"]


class Adjustment:
    """More for a supplier."""

    def __init__(self, world):
        self.operator, self.supplier_id = new_staff(world, "operator"), new_supplier(world)
        self.path = "/v1/ops/settlement/adjustments"

    def body(self, fen):
        return {"supplier_id": str(self.supplier_id), "amount_fen": fen, "note": "补结"}

    def moved(self):
        path = f"/v1/ops/settlement/suppliers/{self.supplier_id}"
        return self.operator.get(path).get_json()["open_fen"]


class Fine(Adjustment):
    """Less for a supplier: as much value as more."""

    def body(self, fen):
        return super().body(-fen)

    def moved(self):
        return -super().moved()


class Payment(Adjustment):
    """A statement that a supplier agreed to."""

    def __init__(self, world):
        super().__init__(world)
        self.world = world

    def body(self, fen):
        lent = new_staff(self.world, "operator")
        adjusted = lent.post(self.path, super().body(fen))
        if adjusted.status_code == 202:
            confirmed_by_second(self.world, adjusted)
        clock.freeze(clock.now() + timedelta(days=1))
        ends_on = str(beijing_day(clock.now()) - timedelta(days=1))
        draft = {"supplier_id": str(self.supplier_id), "ends_on": ends_on}
        made = lent.post("/v1/ops/settlement/statements", draft).get_json()
        user = new_staff(self.world, "supplier", self.supplier_id)
        assert (
            user.post(f"/v1/supplier/settlement/statements/{made['id']}/confirm").status_code == 200
        )
        self.path = f"/v1/ops/settlement/statements/{made['id']}/pay"
        return {"bank_reference": secrets.token_hex(6)}

    def moved(self):
        path = f"/v1/ops/settlement/suppliers/{self.supplier_id}"
        return self.operator.get(path).get_json()["paid_fen"]


class Settled:
    """A refund that WeChat could not pay."""

    def __init__(self, world):
        self.world = world

    def body(self, fen):
        sale = Sale(self.world, quantity=1, price=fen + 3000)
        ask_mock(self.world, "refunds/next", {"state": "CHANGE"})
        assert sale.member.post(f"{sale.path}/cancel").status_code == 200
        run_outbox(self.world)
        run_sweep(self.world, "send_due_refunds")
        [found] = select_rows(self.world, "SELECT id, amount_fen FROM refund")
        assert found.amount_fen == fen
        self.path = f"/v1/ops/refunds/{found.id}/settle"
        return {"channel": "bank", "channel_reference": "ICBC1"}

    def moved(self):
        [found] = select_rows(
            self.world,
            "SELECT coalesce(sum(amount_fen), 0) AS fen FROM refund WHERE state = 'settled'",
        )
        return int(found.fen)


ACTS = [Grant, Adjustment, Fine, Payment, Settled]


@pytest.mark.parametrize("kind", ACTS)
def test_up_to_the_limit_one_person_does_it(world, audited, kind):
    act, operator = kind(world), new_staff(world, "operator")
    body = act.body(LIMIT)
    assert operator.post(act.path, body).status_code in (200, 201)
    assert act.moved() == LIMIT
    audited()


@pytest.mark.parametrize("kind", ACTS)
def test_beyond_the_limit_another_person_confirms_it_once(world, audited, kind):
    act, operator = kind(world), new_staff(world, "operator", phone="13811112222")
    body = act.body(LIMIT + 1)
    proposed = operator.post(act.path, body)
    assert (proposed.status_code, act.moved()) == (202, 0)
    assert proposed.get_json()["state"] == "proposed"
    path = f"{PROPOSALS}/{proposed.get_json()['id']}/confirm"
    twin = new_staff(world, "operator", phone="13811112222")
    for same in (operator, twin):
        refused = same.post(path)
        assert (refused.status_code, refused.get_json()["code"]) == (409, "same_person")
        assert same.post(f"{path[:-7]}reject", {"note": "x"}).get_json()["code"] == "same_person"
    assert act.moved() == 0
    others = [new_staff(world, "operator") for _ in range(3)]
    replies = at_once(*(lambda other=other: other.post(path) for other in others))
    assert sorted(each.status_code for each in replies) == [200, 409, 409]
    assert act.moved() == LIMIT + 1
    audited()


def test_whoever_only_enters_does_not_confirm_and_whoever_only_confirms_does_not_enter(world):
    act = Grant(world)
    enters = new_staff(world, "operator", duties=["finance_enters"])
    confirms = new_staff(world, "operator", duties=["finance_confirms"])
    body = act.body(LIMIT + 1)
    assert confirms.post(act.path, body).get_json()["code"] == "duty_missing"
    proposed = enters.post(act.path, body)
    path = f"{PROPOSALS}/{proposed.get_json()['id']}/confirm"
    assert enters.post(path).get_json()["code"] == "duty_missing"
    assert confirms.post(path).status_code == 200


def test_many_small_ones_are_one_large_one(world, audited):
    """By all that the person is known by, and whatever the kinds are."""
    grant, adjustment = Grant(world), Adjustment(world)
    operator = new_staff(world, "operator", phone="13833334444")
    assert operator.post(grant.path, grant.body(60_000)).status_code == 201
    assert operator.post(adjustment.path, adjustment.body(40_001)).status_code == 202
    twin = new_staff(world, "operator", phone="13833334444")
    assert twin.post(adjustment.path, adjustment.body(40_000)).status_code == 201
    assert twin.post(grant.path, grant.body(1)).status_code == 202
    assert new_staff(world, "operator").post(grant.path, grant.body(1)).status_code == 201
    audited()
    clock.freeze(clock.now() + timedelta(days=1))
    assert operator.post(grant.path, grant.body(LIMIT)).status_code == 201
    audited()


def test_of_many_at_one_instant_only_so_many_pass_as_the_limit_allows(world, audited):
    grant, operator = Grant(world), new_staff(world, "operator")
    bodies = [grant.body(30_000) for _ in range(6)]
    replies = at_once(
        *(lambda body=body: same_person(world, operator).post(grant.path, body) for body in bodies)
    )
    assert sorted(each.status_code for each in replies) == [201] * 3 + [202] * 3
    assert grant.moved() == 90_000
    audited()


def test_what_is_confirmed_is_what_was_proposed_and_what_is_no_longer_possible_changes_nothing(
    world, audited
):
    act, operator = Grant(world), new_staff(world, "operator")
    body = act.body(LIMIT + 1)
    proposed = operator.post(act.path, body)
    assert operator.post(act.path, body).get_json()["code"] == "already_proposed"
    path = f"{PROPOSALS}/{proposed.get_json()['id']}"
    shown = second_operator(world).get(path).get_json()
    assert shown["body"]["amount_fen"] == LIMIT + 1
    assert (shown["proposer_name"], shown["decided_by"]) == (operator.username, None)
    clock.freeze(clock.now() + timedelta(days=8))
    late = second_operator(world).post(f"{path}/confirm")
    assert (late.status_code, late.get_json()["code"]) == (409, "proposal_lapsed")
    assert run_sweep(world, "lapse_proposals") == 1
    assert second_operator(world).get(path).get_json()["state"] == "lapsed"
    again = operator.post(act.path, body | {"expires_at": str(clock.now() + timedelta(hours=1))})
    path = f"{PROPOSALS}/{again.get_json()['id']}"
    clock.freeze(clock.now() + timedelta(hours=2))
    assert second_operator(world).post(f"{path}/confirm").get_json()["field"] == "expires_at"
    assert second_operator(world).get(path).get_json()["state"] == "proposed"
    assert act.moved() == 0
    audited()


def test_it_is_turned_down_by_another_or_taken_back_by_oneself(world, audited):
    act, operator = Grant(world), new_staff(world, "operator")
    first, other = (operator.post(act.path, act.body(LIMIT + n)).get_json() for n in (1, 2))
    assert second_operator(world).post(f"{PROPOSALS}/{first['id']}/reject", {}).status_code == 422
    assert second_operator(world).post(f"{PROPOSALS}/{first['id']}/withdraw").get_json()[
        "code"
    ] == ("not_your_proposal")
    rejected = second_operator(world).post(
        f"{PROPOSALS}/{first['id']}/reject", {"note": "凭证不符"}
    )
    assert (rejected.get_json()["state"], rejected.get_json()["note"]) == ("rejected", "凭证不符")
    back = operator.post(f"{PROPOSALS}/{other['id']}/withdraw").get_json()
    assert back["state"] == "withdrawn"
    for each in (first, other):
        assert second_operator(world).post(f"{PROPOSALS}/{each['id']}/confirm").status_code == 409
    found = operator.get(f"{PROPOSALS}?state=rejected&kind=grant").get_json()["items"]
    assert [each["id"] for each in found] == [first["id"]]
    told = second_operator(world).get("/v1/ops/notices").get_json()["items"]
    assert [each["kind"] for each in told].count("value_proposed") == 2
    assert act.moved() == 0
    audited()


def test_a_commission_is_never_set_by_one_person(world):
    supplier_id, operator = new_supplier(world), new_staff(world, "operator")
    path = f"/v1/ops/suppliers/{supplier_id}/commission"
    body = {"commission_bps": 0, "from_on": str(beijing_day(clock.now()) + timedelta(days=1))}
    proposed = operator.post(path, body)
    assert operator.get(path).get_json()["items"] == []
    confirm = f"{PROPOSALS}/{proposed.get_json()['id']}/confirm"
    assert operator.post(confirm).get_json()["code"] == "same_person"
    confirmed_by_second(world, proposed)
    assert operator.get(path).get_json()["items"][0]["commission_bps"] == 0


def test_every_kind_of_act_is_tried_here(world):
    tried = {"grant", "adjustment", "statement_payment", "settle_refund", "commission"}
    # The payout account: tests/catalog/onboarding/test_accounts.py.
    assert set(wiring.VALUES.kinds) == {*tried, "payout_account"}


# Transfers and payouts of unions


@pytest.fixture
def approved(union):
    packs = [union.pack(30_000)[0] for _ in range(2)]
    return union.approved(roster_id=union.roster(union.people(1)), pack_ids=packs)


def transfer(**more):
    return {"amount_fen": 30_000, "bank_reference": secrets.token_hex(6), "payer": "工会", **more}


def test_whoever_records_a_transfer_does_not_confirm_it_at_any_amount(
    world, union, approved, audited
):
    path = f"/v1/ops/programmes/{approved}/transfers"
    operator = new_staff(world, "operator", phone="13855556666")
    twin = new_staff(world, "operator", phone="13855556666")
    row = operator.post(path, transfer(amount_fen=1)).get_json()
    for same in (operator, twin):
        for decision in ("confirm", "reject"):
            refused = same.post(f"{path}/{row['id']}/{decision}")
            assert (refused.status_code, refused.get_json()["code"]) == (409, "same_person")
    assert union.bill(approved)["balance_fen"] == 0
    assert second_operator(world).post(f"{path}/{row['id']}/confirm").status_code == 200
    assert union.bill(approved)["balance_fen"] == 1
    audited()


def test_an_officer_who_is_an_operator_too_does_not_confirm_what_he_announced(
    world, union, approved
):
    officer = new_staff(world, "union_officer", union.id, ["handles"], phone="13877778888")
    path = f"/v1/union/programmes/{approved}/transfers"
    row = officer.post(path, transfer()).get_json()
    ops = f"/v1/ops/programmes/{approved}/transfers/{row['id']}/confirm"
    same = new_staff(world, "operator", phone="13877778888")
    assert same.post(ops).get_json()["code"] == "same_person"
    assert second_operator(world).post(ops).status_code == 200


def test_a_person_who_changes_the_phone_in_between_is_still_the_person(world, union, approved):
    path = f"/v1/ops/programmes/{approved}/transfers"
    operator = new_staff(world, "operator", phone="13800009999")
    row = operator.post(path, transfer()).get_json()
    twin = new_staff(world, "operator", phone="13800009999")
    execute_sql(world, "UPDATE staff_account SET phone = NULL WHERE id = :id", id=operator.id)
    assert twin.post(f"{path}/{row['id']}/confirm").get_json()["code"] == "same_person"
    execute_sql(
        world, "UPDATE staff_account SET phone = '13800008888' WHERE id = :id", id=operator.id
    )
    later = new_staff(world, "operator", phone="13800008888")
    assert later.post(f"{path}/{row['id']}/confirm").get_json()["code"] == "same_person"


def test_a_payout_leaves_the_fund_when_another_person_confirms_it_and_once(
    world, union, approved, audited
):
    union.fund(approved)
    path = f"/v1/ops/programmes/{approved}/payouts"
    rows = [union.operator.post(path, transfer()).get_json() for _ in range(2)]
    assert [row["state"] for row in rows] == ["recorded"] * 2
    confirm = f"{path}/{rows[0]['id']}/confirm"
    assert union.operator.post(confirm).get_json()["code"] == "same_person"
    assert union.bill(approved)["balance_fen"] == 30_000
    others = [new_staff(world, "operator") for _ in range(2)]
    replies = at_once(*(lambda other=other: other.post(confirm) for other in others))
    assert sorted(each.status_code for each in replies) == [200, 409]
    assert union.bill(approved)["balance_fen"] == 0
    late = second_operator(world).post(f"{path}/{rows[1]['id']}/confirm").get_json()
    assert late["code"] == "payout_too_large"
    assert (
        second_operator(world).post(f"{path}/{rows[1]['id']}/reject").get_json()["state"]
        == "rejected"
    )
    wrong = second_operator(world).post(
        f"/v1/ops/programmes/{approved}/transfers/{rows[1]['id']}/confirm"
    )
    assert wrong.status_code == 404
    audited()
