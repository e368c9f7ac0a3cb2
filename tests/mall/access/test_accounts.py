"""Accounts open by invitation; what holds value takes two persons; nobody knows another's password."""

import secrets
from datetime import timedelta

import pytest

from mall.access import rules as access_rules
from mall.access.rules import Actor
from mall.kernel import clock
from mall.kernel.ids import new_id
from tests.mall.access.test_http import PASSWORD, sign_in
from tests.support.database import count_rows, execute_sql, select_rows
from tests.support.people import Person, accept_invitation, at_once, new_staff
from tests.support.shop import new_supplier

OTHER = "another-horse-9"
CHANGES = "/v1/ops/accounts/changes"


@pytest.fixture
def two(world):
    return new_staff(world, "operator"), new_staff(world, "operator")


def proposed(operator, duties=("service",), **more):
    body = {"username": f"o{secrets.token_hex(5)}", "display_name": "新人", "duties": [*duties]}
    reply = operator.post("/v1/ops/operators", body | more)
    assert reply.status_code == 202, reply.data.decode()
    return reply.get_json()


def confirm(operator, change):
    return operator.post(f"{CHANGES}/{change['id']}/confirm")


def accept(world, code, password=OTHER, audience="ops"):
    body = {"code": code, "password": password}
    return Person(world.app).post(f"/v1/{audience}/password/invitation", body)


def test_an_operators_account_takes_two_persons_and_its_owner_chooses_the_password(world, two):
    one, other = two
    change = proposed(one)
    assert confirm(one, change).get_json()["code"] == "same_person"
    assert count_rows(world, "staff_account") == 2
    found = confirm(other, change).get_json()
    assert found["state"] == "confirmed"
    assert confirm(other, change).get_json()["code"] == "wrong_state"
    person = accept_invitation(world, "ops", change["username"], found["invitation"])
    assert person.get("/v1/ops/account").get_json()["duties"] == ["service"]
    stored = select_rows(world, "SELECT row_to_json(i)::text AS text FROM staff_invitation i")
    assert found["invitation"]["code"] not in stored[0].text


def test_an_invitation_works_once_for_a_day_and_only_the_newest(world, two):
    one, other = two
    code = confirm(other, proposed(one)).get_json()["invitation"]["code"]
    replies = at_once(*[lambda: accept(world, code)] * 6)
    assert sorted(each.status_code for each in replies) == [200] + [422] * 5
    account = new_staff(world, "supplier", new_supplier(world))
    path = f"/v1/ops/accounts/{account.id}/invitation"
    first, second = (one.post(path).get_json()["invitation"]["code"] for _ in range(2))
    assert accept(world, first, audience="supplier").get_json()["code"] == "invitation_refused"
    assert accept(world, second, audience="union").get_json()["code"] == "invitation_refused"
    clock.shift(timedelta(days=1, seconds=1))
    assert accept(world, second, audience="supplier").get_json()["code"] == "invitation_refused"


def test_a_refused_password_leaves_the_invitation_good(world, two):
    account = new_staff(world, "supplier", new_supplier(world))
    path = f"/v1/ops/accounts/{account.id}/invitation"
    code = two[0].post(path).get_json()["invitation"]["code"]
    refused = accept(world, code, "password1234", "supplier").get_json()
    assert (refused["code"], refused["field"]) == ("password_refused", "password")
    # Until it is accepted the old password holds; then no session is left.
    assert account.get("/v1/supplier/profile").status_code == 200
    assert accept(world, code, audience="supplier").status_code == 200
    assert account.get("/v1/supplier/profile").status_code == 401
    assert sign_in(world, account.username, PASSWORD, "supplier").status_code == 401
    assert sign_in(world, account.username, OTHER, "supplier").status_code == 201


def test_duties_change_by_another_person_and_never_ones_own(world, two):
    one, other = two
    path = "/v1/ops/operators/{}/duties"
    body = {"duties": ["audits"]}
    assert one.put(path.format(one.id), body).get_json()["code"] == "not_yourself"
    change = one.put(path.format(other.id), body).get_json()
    assert confirm(other, change).get_json()["code"] == "not_yourself"
    assert confirm(one, change).get_json()["code"] == "same_person"
    third = new_staff(world, "operator")
    assert confirm(third, change).get_json()["invitation"] is None
    assert other.get("/v1/ops/account").get_json()["duties"] == ["audits"]


def test_two_accounts_of_one_phone_are_one_person(world, two):
    one, other = two
    execute_sql(world, "UPDATE staff_account SET phone = '13800000077'")
    change = proposed(one)
    assert confirm(other, change).get_json()["code"] == "same_person"
    # Nor does one confirm an account for oneself.
    execute_sql(world, "UPDATE staff_account SET phone = NULL WHERE id = :id", id=one.id)
    mine = proposed(one, phone="13800000077")
    assert confirm(other, mine).get_json()["code"] == "not_yourself"


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ({}, {}, False),
        ({"phone": "1"}, {"phone": "1"}, True),
        ({"phone": "1"}, {"phone": "2"}, False),
        ({"member_id": new_id()}, {"member_id": new_id()}, False),
    ],
)
def test_one_person_is_known_by_account_member_or_phone(one, other, is_same):
    assert Actor(new_id(), **one).is_same_person(Actor(new_id(), **other)) is is_same
    who, member = new_id(), new_id()
    assert Actor(who, **one).is_same_person(Actor(who, **other))
    assert Actor(new_id(), member).is_same_person(Actor(new_id(), member))
    with pytest.raises(access_rules.SamePerson):
        access_rules.check_other_person(Actor(who), [Actor(new_id()), Actor(who)])


def test_one_operator_alone_gets_no_second_pair_of_hands(world, union):
    """Not by new officers, nor by new operators, nor by the invitations of those there are."""
    lone = new_staff(world, "operator")
    officers = f"/v1/ops/unions/{union.id}/officers"
    body = {"display_name": "x", "duties": ["approves"]}
    tries = [
        lone.post(officers, {"username": "mine.alone", **body}),
        lone.post("/v1/ops/operators", {"username": "mine.too", **body, "duties": ["reviews"]}),
        lone.post(f"/v1/ops/accounts/{union.approver.id}/invitation"),
        lone.post(f"/v1/ops/accounts/{union.operator.id}/invitation"),
    ]
    assert all(reply.status_code in (201, 202) for reply in tries)
    assert all("code" not in (reply.get_json().get("invitation") or {}) for reply in tries)
    for change in lone.get(CHANGES).get_json()["items"]:
        assert confirm(lone, change).get_json()["code"] == "same_person"
    assert count_rows(world, "staff_invitation") == 0


def test_a_change_at_once_is_decided_once(world, two):
    one, _ = two
    change = proposed(one)
    others = [new_staff(world, "operator") for _ in range(4)]
    replies = at_once(*(lambda who=who: confirm(who, change) for who in others))
    assert sorted(each.status_code for each in replies) == [200, 409, 409, 409]


def test_who_proposed_may_take_it_back(world, two):
    change = proposed(two[0])
    assert two[0].post(f"{CHANGES}/{change['id']}/reject").get_json()["state"] == "rejected"
    assert confirm(two[1], change).get_json()["code"] == "wrong_state"


def test_a_forgotten_password_is_answered_by_an_operator_and_tells_nobody_who_exists(world, two):
    account = new_staff(world, "supplier", new_supplier(world))
    told = [
        Person(world.app).post("/v1/supplier/password/forgotten", {"username": name})
        for name in (account.username, two[0].username, "nobody-here")
    ]
    assert {(each.status_code, each.data) for each in told} == {(202, told[0].data)}
    [request] = two[0].get("/v1/ops/password-requests").get_json()["items"]
    assert request["username"] == account.username
    for _ in range(6):
        sign_in(world, account.username, "wrong", "supplier")
    assert sign_in(world, account.username, PASSWORD, "supplier").status_code == 429
    path = f"/v1/ops/accounts/{request['account_id']}/invitation"
    invitation = two[0].post(path).get_json()["invitation"]
    # The operator's reset opens the account again, and the request is done.
    assert accept_invitation(world, "supplier", account.username, invitation).token
    assert two[0].get("/v1/ops/password-requests").get_json()["items"] == []


@pytest.mark.parametrize(
    ("password", "is_taken"),
    [
        ("short", False),
        ("x1" * 65, False),
        ("elevenchars", False),
        ("password1234", False),
        ("1234567890123", False),
        ("qwertyuiop12", False),
        ("aaaaaaaaaaaaaa", False),
        ("abcabcabcabc", False),
        ("the.user.name", False),
        ("The.User.Name2026", False),
        ("correct-horse-9", True),
        ("咖啡三号楼的钥匙在门垫下面", True),
    ],
)
def test_which_passwords_are_taken(world, password, is_taken):
    operator = new_staff(world, "operator")
    execute_sql(world, "UPDATE staff_account SET username = 'the.user.name'")
    body = {"current_password": PASSWORD, "new_password": password}
    reply = operator.post("/v1/ops/password", body)
    # Above 128 characters the schema refuses already.
    assert reply.status_code == (204 if is_taken else 422)


def test_a_changed_password_ends_every_other_session(world):
    operator = new_staff(world, "operator")
    elsewhere = Person(world.app, sign_in(world, operator.username).get_json()["token"])
    body = {"current_password": "wrong", "new_password": OTHER}
    assert operator.post("/v1/ops/password", body).get_json()["code"] == "bad_credentials"
    body["current_password"] = PASSWORD
    assert operator.post("/v1/ops/password", body).status_code == 204
    assert operator.get("/v1/ops/account").status_code == 200
    assert elsewhere.get("/v1/ops/account").status_code == 401
    assert sign_in(world, operator.username, PASSWORD).status_code == 401
    assert sign_in(world, operator.username, OTHER).status_code == 201


def test_whoever_has_a_session_does_not_guess_its_password(world):
    operator = new_staff(world, "operator")
    body = {"current_password": "wrong", "new_password": OTHER}
    codes = [operator.post("/v1/ops/password", body).status_code for _ in range(7)]
    assert codes == [401] * 5 + [429] * 2
