"""Who works with an account is proved by its owner; until then it decides nothing."""

import secrets

import pytest

from tests.support.people import (
    accept_invitation,
    at_once,
    new_member,
    new_staff,
    phone_number,
    second_operator,
)
from tests.support.shop import new_supplier

PASSWORD = "correct-horse-9"
CONFIRM = "/v1/store/me/staff-account"
GRANT = "/v1/ops/beans/grants"


@pytest.fixture
def strict(app):
    """The setting of production: nobody decides who has not proved who they are."""
    settings = app.extensions["mall_settings"]
    object.__setattr__(settings, "persons_confirmed", True)
    yield
    object.__setattr__(settings, "persons_confirmed", False)


def with_phone(world, phone=None):
    member = new_member(world)
    code = {"code": f"phone-{phone or phone_number()}"}
    assert member.put("/v1/store/me/phone", code).status_code == 200
    return member


def confirm(member, staff, **more):
    return member.post(CONFIRM, {"username": staff.username, "password": PASSWORD, **more})


def proved(world, staff, member=None):
    reply = confirm(member or with_phone(world), staff)
    assert reply.status_code == 200, reply.get_json()
    return staff


def grant(world, by, fen):
    body = {
        "member_ids": [str(new_member(world).id)],
        "amount_fen": fen,
        "expires_at": "2030-12-31T16:00:00Z",
        "programme": "慰问",
        "reference": secrets.token_hex(6),
    }
    return by.post(GRANT, body)


def test_two_accounts_that_one_member_confirmed_are_one_person(world):
    member = with_phone(world)
    one, other = (proved(world, new_staff(world, "operator"), member) for _ in range(2))
    account = one.get("/v1/ops/account").get_json()
    assert account["is_person_confirmed"] is True
    proposed = grant(world, one, 10_000_000)
    path = f"/v1/ops/proposals/{proposed.get_json()['id']}/confirm"
    assert other.post(path).get_json()["code"] == "same_person"
    # Another phone of the same member hides nobody.
    code = {"code": f"phone-{phone_number()}"}
    assert member.put("/v1/store/me/phone", code).status_code == 200
    assert confirm(member, other).status_code == 200
    assert other.post(path).get_json()["code"] == "same_person"
    assert second_operator(world).post(path).status_code == 200


def test_who_has_not_proved_it_decides_nothing_and_nothing_of_theirs_is_decided(world, strict):
    maker, decider = new_staff(world, "operator"), new_staff(world, "operator")
    # Not even what one person may do within the limit.
    proposed = grant(world, maker, 100)
    assert proposed.status_code == 202
    path = f"/v1/ops/proposals/{proposed.get_json()['id']}"
    assert decider.post(f"{path}/confirm").get_json()["code"] == "person_unconfirmed"
    proved(world, decider)
    assert decider.post(f"{path}/confirm").get_json()["code"] == "person_unconfirmed"
    proved(world, maker)
    assert decider.post(f"{path}/confirm").status_code == 200
    assert grant(world, maker, 100).status_code == 201


def test_accounts_are_opened_by_persons_who_proved_it(world, strict):
    one, other = new_staff(world, "operator"), new_staff(world, "operator")
    body = {"username": f"n{secrets.token_hex(5)}", "display_name": "新", "duties": ["service"]}
    change = one.post("/v1/ops/operators", body).get_json()
    path = f"/v1/ops/accounts/changes/{change['id']}/confirm"
    for who in (one, other):
        assert other.post(path).get_json()["code"] == "person_unconfirmed"
        proved(world, who)
    assert other.post(path).status_code == 200


def test_it_takes_the_password_the_second_factor_and_a_verified_phone(world):
    staff, member = new_staff(world, "operator"), new_member(world)
    assert confirm(member, staff).get_json()["code"] == "phone_needed"
    member = with_phone(world)
    wrong = {"username": staff.username, "password": "wrong"}
    codes = [member.post(CONFIRM, wrong).get_json()["code"] for _ in range(6)]
    assert codes == ["bad_credentials"] * 5 + ["locked_out"]
    assert staff.get("/v1/ops/account").get_json()["is_person_confirmed"] is False


def test_of_two_members_one_confirms_an_account_until_it_is_invited_again(world):
    staff = new_staff(world, "supplier", new_supplier(world))
    members = [with_phone(world) for _ in range(2)]
    replies = at_once(*(lambda each=each: confirm(each, staff) for each in members))
    codes = sorted(reply.status_code for reply in replies)
    assert codes == [200, 409]
    [late] = [each for each, reply in zip(members, replies, strict=True) if reply.status_code > 200]
    assert confirm(late, staff).get_json()["code"] == "staff_account_confirmed"
    path = f"/v1/ops/accounts/{staff.id}/invitation"
    invitation = new_staff(world, "operator").post(path).get_json()["invitation"]
    person = accept_invitation(world, "supplier", staff.username, invitation, password=PASSWORD)
    assert person.get("/v1/supplier/account").get_json()["is_person_confirmed"] is False
    assert confirm(late, staff).status_code == 200
