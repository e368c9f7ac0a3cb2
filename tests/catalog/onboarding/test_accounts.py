"""The account that a supplier is paid to changes by two persons, and only for what comes later."""

import pytest

from tests.support.people import at_once, new_staff, second_operator
from tests.support.shop import new_supplier

CONTACT = {"contact_name": "陈", "contact_phone": "13800000001"}
OLD = {"bank": "农行", "account_name": "合作社", "account_number": "4460000101111"}
NEW = {"bank": "工行", "account_name": "别人", "account_number": "6222000102222"}


@pytest.fixture
def users(world):
    supplier_id = new_supplier(world)
    found = [new_staff(world, "supplier", supplier_id) for _ in range(2)]
    put(found[0], OLD)
    confirm(world)
    return found


def put(user, account):
    reply = user.put("/v1/supplier/profile", CONTACT | {"settlement_account": account})
    assert reply.status_code == 200, reply.get_json()
    return reply.get_json()


def waiting(world):
    return second_operator(world).get("/v1/ops/proposals?state=proposed").get_json()["items"]


def confirm(world):
    [found] = waiting(world)
    return second_operator(world).post(f"/v1/ops/proposals/{found['id']}/confirm")


def test_a_new_account_waits_and_every_user_is_told(world, users, audited):
    shown = put(users[0], NEW)
    assert (shown["settlement_account"], shown["proposed_account"]) == (OLD, NEW)
    for user in users:
        told = user.get("/v1/supplier/notices").get_json()["items"][0]["text"]
        assert "****2222" in told and "6222" not in told.replace("****2222", "")
    assert confirm(world).status_code == 200
    shown = users[1].get("/v1/supplier/profile").get_json()
    assert (shown["settlement_account"], shown["proposed_account"]) == (NEW, None)
    assert "已生效" in users[1].get("/v1/supplier/notices").get_json()["items"][0]["text"]
    audited()


def test_other_changes_of_a_profile_leave_the_account_alone(world, users):
    for account in (None, OLD):
        assert put(users[0], account)["settlement_account"] == OLD
    assert waiting(world) == []


def test_a_newer_proposal_takes_the_place_of_the_older_and_the_same_is_one(world, users, audited):
    put(users[0], NEW)
    [first] = waiting(world)
    put(users[1], NEW)
    assert [each["id"] for each in waiting(world)] == [first["id"]]
    put(users[1], NEW | {"account_number": "6222000103333"})
    [second] = waiting(world)
    late = second_operator(world).post(f"/v1/ops/proposals/{first['id']}/confirm")
    assert late.get_json()["code"] == "wrong_state"
    turned_down = {"note": "户名不符"}
    second_operator(world).post(f"/v1/ops/proposals/{second['id']}/reject", turned_down)
    assert users[0].get("/v1/supplier/profile").get_json()["settlement_account"] == OLD
    assert "户名不符" in users[0].get("/v1/supplier/notices").get_json()["items"][0]["text"]
    audited()


def test_two_proposals_and_two_confirmations_at_once_leave_one_account(world, users, audited):
    others = [NEW | {"account_number": f"62220001000{n}"} for n in range(4)]
    at_once(*(lambda u=users[n % 2], a=each: put(u, a) for n, each in enumerate(others)))
    [found] = waiting(world)
    path = f"/v1/ops/proposals/{found['id']}/confirm"
    operators = [new_staff(world, "operator") for _ in range(2)]
    replies = at_once(*(lambda each=each: each.post(path) for each in operators))
    assert sorted(each.status_code for each in replies) == [200, 409]
    shown = users[0].get("/v1/supplier/profile").get_json()
    assert shown["settlement_account"] == found["body"]["account"]
    audited()
