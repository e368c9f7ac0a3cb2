"""What was approved is what is given: four eyes, frozen content, a history that proves it."""

import hashlib

import pytest

from tests.support.database import count_rows
from tests.support.people import new_staff


@pytest.fixture
def packs(union):
    return [union.pack(30_000)[0] for _ in range(2)]


@pytest.fixture
def submitted(union, packs):
    draft = union.draft(roster_id=union.roster(union.people(2)), pack_ids=packs).get_json()
    return union.handler.post(f"/v1/union/programmes/{draft['id']}/submit").get_json()


def test_case_27_nobody_approves_what_they_wrote(union, packs, world):
    both = new_staff(world, "union_officer", union.id, ["handles", "approves"])
    handler, union.handler = union.handler, both
    roster_id = union.roster(union.people(1))
    draft = union.draft(roster_id=roster_id, pack_ids=packs).get_json()
    found = both.post(f"/v1/union/programmes/{draft['id']}/submit").get_json()
    union.approver, approver = both, union.approver
    assert union.approve(found, expect=409)["code"] == "own_programme"
    union.approver, union.handler = approver, handler
    assert union.approve(found)["state"] == "approved"


def test_case_27_approval_is_of_the_content_that_was_seen(union, submitted):
    seen = {**submitted, "content_hash": "0" * 64}
    assert union.approve(seen, expect=409)["code"] == "content_changed"


def test_case_27_a_pack_that_changed_after_submission_must_be_submitted_again(
    union, submitted, packs
):
    pack = union.handler.get(f"/v1/union/packs/{packs[0]}").get_json()
    parts = [{"sku_id": pack["parts"][0]["sku_id"], "quantity": 1, "price_fen": 29_000}]
    body = {"title": pack["title"], "parts": parts}
    assert union.handler.put(f"/v1/union/packs/{packs[0]}", body).status_code == 200
    assert union.approve(submitted, expect=409)["code"] == "content_changed"


def test_warnings_must_be_acknowledged(union):
    packs = [union.pack(30_000, stock=1)[0] for _ in range(2)]
    draft = union.draft(roster_id=union.roster(union.people(3)), pack_ids=packs).get_json()
    found = union.handler.post(f"/v1/union/programmes/{draft['id']}/submit").get_json()
    assert [each["code"] for each in found["warnings"]] == ["stock_short"]
    unseen = union.approve({**found, "warnings": []}, expect=409)
    assert unseen["code"] == "warnings_unseen"
    union.approve(found)


def test_what_cannot_be_is_refused_and_nothing_changes(union, world):
    packs = [union.pack(30_001)[0], union.pack(30_000)[0]]
    draft = union.draft(roster_id=union.roster(union.people(1)), pack_ids=packs).get_json()
    reply = union.handler.post(f"/v1/union/programmes/{draft['id']}/submit")
    assert (reply.status_code, reply.get_json()["code"]) == (422, "programme_refused")
    assert [each["code"] for each in reply.get_json()["problems"]] == ["pack_too_dear"]
    assert (union.read(draft["id"])["state"], count_rows(world, "entitlement")) == ("draft", 0)


def test_the_history_can_be_computed_again_by_anybody(union, submitted, audited):
    union.approve(submitted)
    history = union.auditor.get(f"/v1/union/programmes/{submitted['id']}/history").get_json()
    before = "0" * 64
    for event in history["events"]:
        at = event["happened_at"].replace("+00:00", "Z")
        names = ("actor", "actor_name", "act", "state", "content_hash", "note", "details")
        fields = (history["programme_id"], str(event["number"]), at, *(event[n] for n in names))
        digest = hashlib.sha256("\n".join((*fields, before)).encode()).hexdigest()
        assert (event["previous_hash"], event["hash"]) == (before, digest)
        before = digest
    assert [each["act"] for each in history["events"]] == ["drafted", "submitted", "approved"]
    audited()


def test_each_edit_has_a_version_of_its_own_and_an_older_one_is_refused(union, packs):
    roster_id = union.roster(union.people(1))
    draft = union.draft(roster_id=roster_id, pack_ids=packs).get_json()
    path = f"/v1/union/programmes/{draft['id']}"
    names = ("kind", "per_member_fen", "opens_on", "closes_on", "delivery")
    body = {name: draft[name] for name in names} | {"roster_id": roster_id, "pack_ids": packs}
    seen = [draft["version"]]
    for number in range(2):
        body["name"] = f"方案 {number}"
        seen.append(union.handler.put(path, body).get_json()["version"])
    assert seen == [1, 2, 3]
