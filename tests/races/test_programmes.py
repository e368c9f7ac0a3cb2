"""Two phones, a worker and an officer at once: every right is used once, whatever is faster."""

import os
import random
import signal
import subprocess
import sys
import time

import pytest

from mall.ledger.service import funds
from tests.support.database import select_rows
from tests.support.people import at_once, login_again, new_member, new_staff, same_person
from tests.support.processes import wait_until
from tests.support.soak import SEED, long_or_short
from tests.support.working import run_outbox, run_sweep

# A worker whose chunks are small and dawdle before they are committed, so that it is always killed
# in the middle of its work: at its own speed it would have issued to everybody by then.
WORK = """
import time
from mall.ledger.service import funds
from mall.shell.commands import environment
from orders.collective import jobs
from orders.collective.service import issuing
issue_given = funds.issue_given
def dawdle(*args):
    issue_given(*args)
    time.sleep(0.02)
funds.issue_given = dawdle
issuing.issue_chunk.__defaults__ = (20,)
with environment.application().app_context():
    jobs.run_programmes()
"""


def given(union, count=1):
    rows = union.people(count)
    packs = [union.pack(30_000)[0] for _ in range(2)]
    programme_id = union.issued(roster_id=union.roster(rows), pack_ids=packs)
    return programme_id, [union.members[row[1]] for row in rows], packs


def test_case_23_a_voucher_redeemed_on_many_phones_at_once_is_redeemed_once(union, audited, world):
    programme_id, [person], packs = given(union)
    right = union.right_of(person, programme_id)
    path = f"/v1/store/entitlements/{right['id']}/redeem"
    phones = [login_again(world, person) for _ in range(8)]
    replies = at_once(
        *(
            lambda phone=phone, pack=packs[number % 2]: phone.post(path, {"pack_id": pack})
            for number, phone in enumerate(phones)
        )
    )
    codes = sorted(reply.status_code for reply in replies)
    assert codes == [201, *[409] * 7]
    assert {r.get_json()["code"] for r in replies if r.status_code == 409} == {"already_redeemed"}
    audited()


def test_two_changes_of_a_choice_and_a_parcel_leave_one_order(union, audited, world):
    programme_id, [person], packs = given(union)
    supplier = new_staff(world, "supplier", union.supplier_id)
    order = union.redeem(person, programme_id, packs[0]).get_json()
    run_outbox(world)
    path = f"/v1/store/orders/{order['order_id']}/fulfillment-orders"
    [part] = person.get(path).get_json()["items"]
    right = union.right_of(person, programme_id)
    change = f"/v1/store/entitlements/{right['id']}/change"
    phones = [login_again(world, person) for _ in range(2)]
    parcel = {"carrier": "sf", "tracking_no": "SF1234567890123"}
    send = f"/v1/supplier/fulfillment-orders/{part['id']}/shipments"
    replies = at_once(
        lambda: phones[0].post(change, {"pack_id": packs[1]}),
        lambda: phones[1].post(change, {"pack_id": packs[0]}),
        lambda: supplier.post(send, parcel),
    )
    assert {reply.status_code for reply in replies} <= {201, 409}
    run_outbox(world)
    [row] = select_rows(world, "SELECT count(*) AS n FROM shop_order WHERE state = 'paid'")
    assert row.n == 1
    audited()


def test_redeeming_against_the_close_leaves_every_fen_somewhere(union, audited, world):
    programme_id, people, packs = given(union, 6)
    path = f"/v1/union/programmes/{programme_id}/close"
    rights = [union.right_of(person, programme_id)["id"] for person in people]

    def redeem(number):
        where = f"/v1/store/entitlements/{rights[number]}/redeem"
        return people[number].post(where, {"pack_id": packs[0]}).status_code

    def close():
        union.approver.post(path, {"reason": "结束"})
        run_sweep(world, "run_programmes")

    *codes, _ = at_once(*(lambda n=n: redeem(n) for n in range(6)), close)
    assert set(codes) <= {201, 409}
    union.due_now(programme_id)
    union.run()
    bill = union.bill(programme_id)
    assert bill["balance_fen"] + 30_000 * codes.count(201) == bill["budget_fen"]
    audited()


def test_withdrawing_against_redeeming_gives_one_of_the_two(union, audited):
    programme_id, [person], packs = given(union)
    path = f"/v1/union/programmes/{programme_id}"
    right = union.right_of(person, programme_id)
    body = {"kind": "withdraw", "entitlement_id": right["id"], "reason": "离职"}
    change = union.handler.post(f"{path}/changes", body).get_json()
    decide = f"{path}/changes/{change['id']}/decide"
    redeem = f"/v1/store/entitlements/{right['id']}/redeem"
    codes = [
        reply.status_code
        for reply in at_once(
            lambda: union.approver.post(decide, {"is_approved": True}),
            lambda: person.post(redeem, {"pack_id": packs[0]}),
        )
    ]
    assert codes in ([200, 409], [409, 201], [200, 404])
    audited()


def test_an_acceptance_on_two_desks_and_a_last_load_accept_once_and_wholly(union, audited, world):
    programme_id = union.issued(**union.for_unit(union.people(3, members_too=False)))
    path = f"/v1/union/programmes/{programme_id}"
    union.approver.post(f"{path}/close", {"reason": "结束"})
    union.run()
    supplier = new_staff(world, "supplier", union.supplier_id)
    [part] = union.handler.get(f"{path}/deliveries").get_json()["items"]
    send = f"/v1/supplier/fulfillment-orders/{part['id']}/shipments"
    desks = [new_staff(world, "union_officer", union.id, ["handles"]) for _ in range(2)]
    *codes, sent = [
        reply.status_code
        for reply in at_once(
            *(lambda desk=desk: desk.post(f"{path}/accept", {}) for desk in desks),
            lambda: supplier.post(send, {"carrier": "self", "tracking_no": None}),
        )
    ]
    assert sent == 201 and set(codes) <= {200, 409} and codes.count(200) <= 1
    if 200 not in codes:
        assert union.acceptor.post(f"{path}/accept", {}).status_code == 200
    [event] = select_rows(world, "SELECT count(*) AS n FROM programme_event WHERE act = 'accepted'")
    assert event.n == 1
    audited()


@pytest.mark.timeout(200)
def test_case_26_killed_at_random_points_an_issue_to_thousands_ends_whole(
    union, audited, world, environment
):
    """Ten times among 5,000; in short three times among 1,500."""
    kills, count = long_or_short((10, 5_000), (3, 1_500))
    rows = union.people(count, members_too=False)
    packs = [union.pack(30_000)[0] for _ in range(2)]
    programme_id = union.approved(roster_id=union.roster(rows), pack_ids=packs)
    union.fund(programme_id)
    union.handler.post(f"/v1/union/programmes/{programme_id}/issue")
    points, stops = random.Random(SEED), []
    for _ in range(kills):
        before = union.progress(programme_id)["issued"]
        worker = subprocess.Popen([sys.executable, "-c", WORK], env={**os.environ, **environment})
        goal = before + points.randint(1, 250)
        wait_until(lambda goal=goal: union.progress(programme_id)["issued"] >= goal)
        time.sleep(points.random() / 50)
        worker.send_signal(signal.SIGKILL)
        worker.wait(10)
        stops.append(union.progress(programme_id)["issued"])
    assert stops == sorted(stops)
    assert stops[-1] < count
    union.run()
    progress = union.progress(programme_id)
    assert (progress["state"], progress["issued"]) == ("active", count)
    assert progress["issued_fen"] == progress["budget_fen"] == count * 30_000
    audited()


def test_case_22_who_signs_in_while_the_issue_runs_gets_the_right_all_the_same(
    union, audited, world, monkeypatch
):
    """Between reading whose a roster entry is and committing the issue, its person may claim it."""
    count = 24
    rows = union.people(count, members_too=False)
    people = [new_member(world) for _ in rows]
    packs = [union.pack(30_000)[0] for _ in range(2)]
    programme_id = union.approved(roster_id=union.roster(rows), pack_ids=packs)
    union.fund(programme_id)
    union.handler.post(f"/v1/union/programmes/{programme_id}/issue")
    marked = funds.issue_given

    def slowly(*args):
        found = marked(*args)
        time.sleep(0.5)
        return found

    monkeypatch.setattr(funds, "issue_given", slowly)

    def sign_in(number):
        time.sleep(0.02 * number)
        union.bind(people[number], rows[number][1])
        run_outbox(world)

    at_once(
        lambda: run_sweep(world, "run_programmes"),
        *(lambda n=n: sign_in(n) for n in range(count)),
    )
    run_outbox(world)
    rights = select_rows(world, "SELECT state, count(*) AS n FROM entitlement GROUP BY state")
    assert [(right.state, right.n) for right in rights] == [("open", count)]
    audited()


def test_the_settlement_adds_up_at_every_instant_of_a_rush(union, audited, world):
    programme_id, people, packs = given(union, 10)
    rights = [union.right_of(person, programme_id)["id"] for person in people]
    path = f"/v1/union/programmes/{programme_id}/dashboard"

    def redeem(number):
        where = f"/v1/store/entitlements/{rights[number]}/redeem"
        return people[number].post(where, {"pack_id": packs[0]}).status_code

    def look():
        client = same_person(world, union.auditor)
        return [client.get(path).get_json()["money"] for _ in range(25)]

    *codes, seen = at_once(*(lambda n=n: redeem(n) for n in range(10)), look)
    assert set(codes) == {201}
    for money in seen:
        assert money["spent_fen"] + money["outstanding_fen"] == money["received_fen"], money
    run_outbox(world)
    audited()
