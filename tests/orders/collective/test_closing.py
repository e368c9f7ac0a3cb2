"""The end of a programme step by step, and what its history says of money that did not come."""

import secrets
from datetime import timedelta
from uuid import UUID

import pytest

from mall.kernel.uow import unit_of_work
from orders.collective.service import closing
from orders.entitlements import service as entitlement_service
from orders.programmes import queries as programme_queries
from tests.support.database import select_rows
from tests.support.people import second_operator
from tests.support.working import run_outbox


def acts(world, programme_id):
    rows = select_rows(
        world,
        "SELECT act FROM programme_event WHERE programme_id = :id ORDER BY number",
        id=programme_id,
    )
    return [row.act for row in rows]


def close(union, world, programme_id):
    """Ask for the close, and do it chunk by chunk; return how many rights each settled."""
    path = f"/v1/union/programmes/{programme_id}/close"
    assert union.approver.post(path, {"reason": "提前结束"}).status_code == 202
    settled = []
    while union.read(programme_id)["state"] == "active" and len(settled) < 9:
        with world.app.app_context(), unit_of_work() as uow:
            programme = programme_queries.lock_of_union(
                uow, UUID(str(union.id)), UUID(programme_id)
            )
            settled.append(closing.close_chunk(uow, programme))
    run_outbox(world)
    return settled


def test_a_programme_for_the_unit_is_closed_at_once_and_settles_nothing(union, world, audited):
    programme_id = union.issued(**union.for_unit(union.people(2)))
    assert close(union, world, programme_id) == [0]
    assert union.read(programme_id)["state"] == "closed"
    audited()


def test_rights_that_nobody_used_are_settled_and_then_it_is_closed(union, world, audited):
    packs = [union.pack(30_000)[0] for _ in range(2)]
    programme_id = union.issued(roster_id=union.roster(union.people(2)), pack_ids=packs)
    assert close(union, world, programme_id)[-1] == 0
    assert union.bill(programme_id)["surplus_fen"] == 60_000
    # Who was listed was issued to: nothing is said of others.
    assert "unissued_withdrawn" not in acts(world, programme_id)
    audited()


def test_who_was_added_and_never_issued_to_costs_the_union_nothing(union, world, audited):
    rows = union.people(3)
    packs = [union.pack(30_000)[0] for _ in range(2)]
    roster_id = union.roster(rows[:2])
    programme_id = union.issued(roster_id=roster_id, pack_ids=packs)
    union.send_roster(roster_id, rows)
    entries = union.handler.get(f"/v1/union/rosters/{roster_id}/entries").get_json()["items"]
    path = f"/v1/union/programmes/{programme_id}"
    body = {"kind": "add", "entry_id": entries[2]["id"], "reason": "新入职"}
    change = union.handler.post(f"{path}/changes", body).get_json()
    decide = f"{path}/changes/{change['id']}/decide"
    assert union.approver.post(decide, {"is_approved": True}).status_code == 200
    assert union.bill(programme_id)["due_fen"] == 30_000
    close(union, world, programme_id)
    [kept] = select_rows(world, "SELECT head_count, budget_fen FROM programme")
    assert tuple(kept) == (2, 60_000)
    assert acts(world, programme_id).count("unissued_withdrawn") == 1
    audited()


@pytest.mark.parametrize(
    ("kind", "act"), [("transfers", "money_not_found"), ("payouts", "money_not_returned")]
)
def test_the_history_says_which_money_did_not_move(union, world, kind, act):
    packs = [union.pack(30_000)[0] for _ in range(2)]
    programme_id = union.approved(roster_id=union.roster(union.people(1)), pack_ids=packs)
    body = {"amount_fen": 30_000, "bank_reference": secrets.token_hex(8), "payer": "工会"}
    if kind == "transfers":
        row = union.handler.post(f"/v1/union/programmes/{programme_id}/transfers", body)
    else:
        union.fund(programme_id)
        row = union.operator.post(f"/v1/ops/programmes/{programme_id}/payouts", body)
    assert row.status_code == 201, row.get_json()
    path = f"/v1/ops/programmes/{programme_id}/{kind}/{row.get_json()['id']}/reject"
    reply = second_operator(world).post(path)
    assert reply.status_code == 200, reply.get_json()
    assert acts(world, programme_id)[-1] == act


def test_what_one_unit_was_served_leaves_the_rights_of_another(union, world):
    one = union.issued(**union.for_unit(union.people(2)))
    union.issued(**union.for_unit(union.people(2)))
    with world.app.app_context(), unit_of_work() as uow:
        assert entitlement_service.redeem_in_bulk(uow, UUID(one)) == 2
        assert entitlement_service.redeem_in_bulk(uow, UUID(one)) == 0
    found = select_rows(world, "SELECT programme_id, state FROM entitlement")
    assert sorted((str(row.programme_id) == one, row.state) for row in found) == [
        *([(False, "open")] * 2 + [(True, "redeemed")] * 2)
    ]


def test_what_is_ordered_for_the_silent_lives_a_day_at_least():
    assert timedelta(days=1) == closing.ORDERED_WITHIN
