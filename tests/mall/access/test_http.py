"""Who gets in, with what, and for how long."""

from datetime import timedelta

import pytest

from mall.access import service as access_service
from mall.access.queries import token_hash
from mall.kernel import clock
from mall.kernel.uow import unit_of_work
from tests.support.database import count_rows, select_rows
from tests.support.people import Person, login_again, new_member, new_staff
from tests.support.shop import new_supplier
from tests.support.wechat import ask_mock
from tests.support.working import run_sweep

PASSWORD = "correct-horse-9"


def sign_in(world, username, password=PASSWORD, audience="ops", address="192.0.2.1"):
    body = {"username": username, "password": password}
    return world.app.test_client().post(
        f"/v1/{audience}/session", json=body, environ_overrides={"REMOTE_ADDR": address}
    )


def test_the_first_login_creates_the_member_and_the_second_finds_it(world):
    guest = Person(world.app)
    first = guest.post("/v1/store/session", {"code": "anna:1"}).get_json()
    again = guest.post("/v1/store/session", {"code": "anna:2"}).get_json()
    assert (first["is_new"], again["is_new"]) == (True, False)
    assert first["member_id"] == again["member_id"]


def test_a_replayed_login_code_is_refused(world):
    """Case 40."""
    guest = Person(world.app)
    assert guest.post("/v1/store/session", {"code": "bert:1"}).status_code == 201
    reply = guest.post("/v1/store/session", {"code": "bert:1"})
    assert (reply.status_code, reply.get_json()["code"]) == (401, "wechat_code_refused")


def test_the_mall_refuses_a_replayed_code_even_where_wechat_forgot_it(world):
    """Case 40."""
    guest = Person(world.app)
    assert guest.post("/v1/store/session", {"code": "carl:1"}).status_code == 201
    ask_mock(world, "reset")
    reply = guest.post("/v1/store/session", {"code": "carl:1"})
    assert (reply.status_code, reply.get_json()["code"]) == (401, "wechat_code_refused")


def test_an_invalid_code_is_refused_and_makes_no_member(world):
    before = count_rows(world, "member")
    reply = Person(world.app).post("/v1/store/session", {"code": "bad-code"})
    assert (reply.status_code, reply.get_json()["code"]) == (401, "wechat_code_refused")
    assert count_rows(world, "member") == before


def test_staff_signs_in_with_name_and_password(world):
    operator = new_staff(world, "operator")
    reply = sign_in(world, operator.username)
    assert reply.status_code == 201
    operator.token = reply.get_json()["token"]
    assert operator.get("/v1/ops/suppliers").status_code == 200


@pytest.mark.parametrize("audience", ["union", "supplier", "pickup"])
def test_a_password_opens_only_the_audience_of_its_role(world, audience):
    operator = new_staff(world, "operator")
    reply = sign_in(world, operator.username, audience=audience)
    assert (reply.status_code, reply.get_json()["code"]) == (401, "bad_credentials")


def test_a_success_forgets_earlier_failures(world):
    operator = new_staff(world, "operator")
    for _ in range(2):
        for _ in range(4):
            assert sign_in(world, operator.username, "wrong").status_code == 401
        assert sign_in(world, operator.username).status_code == 201


def test_a_token_of_one_audience_opens_no_other(world):
    """Case 39."""
    people = {
        "store": new_member(world),
        "union": new_staff(world, "union_officer", new_supplier(world)),
        "supplier": new_staff(world, "supplier", new_supplier(world)),
        "pickup": new_staff(world, "store_clerk", new_supplier(world)),
        "ops": new_staff(world, "operator"),
    }
    doors = {
        "store": "/v1/store/me",
        "supplier": "/v1/supplier/products",
        "ops": "/v1/ops/suppliers",
    }
    for audience, person in people.items():
        for door, path in doors.items():
            expected = 200 if door == audience else 403
            assert person.get(path).status_code == expected, (audience, door)


def test_signing_out_ends_the_token_at_once(world):
    """Case 40."""
    member = new_member(world)
    other_phone = login_again(world, member)
    assert member.delete("/v1/store/session").status_code == 204
    assert member.get("/v1/store/me").status_code == 401
    assert other_phone.get("/v1/store/me").status_code == 200


def test_a_disabled_account_is_out_at_once_and_stays_out(world):
    """Case 40."""
    operator = new_staff(world, "operator")
    with world.app.app_context(), unit_of_work() as uow:
        access_service.disable_staff_account(uow, operator.username)
    assert operator.get("/v1/ops/suppliers").status_code == 401
    assert sign_in(world, operator.username).status_code == 401


def test_a_changed_role_takes_effect_with_the_next_request(world):
    """Case 40."""
    operator = new_staff(world, "operator")
    with world.app.app_context(), unit_of_work() as uow:
        new = access_service.NewStaff(
            operator.username, "x", PASSWORD, "supplier", new_supplier(world)
        )
        access_service.open_staff_account(uow, new)
    assert operator.get("/v1/ops/suppliers").status_code == 401


def test_a_member_whose_account_was_closed_is_out_and_cannot_come_back(world):
    """Case 40."""
    member, operator = new_member(world), new_staff(world, "operator")
    path = f"/v1/ops/members/{member.id}/state"
    assert operator.put(path, {"is_active": False}).status_code == 200
    assert member.get("/v1/store/me").status_code == 401
    code = {"code": f"{member.wechat_name}:again"}
    assert Person(world.app).post("/v1/store/session", code).status_code == 401
    assert operator.put(path, {"is_active": True}).status_code == 200
    assert Person(world.app).post("/v1/store/session", code | {"code": f"{member.wechat_name}:2"})


def test_a_token_ends_after_its_time(world):
    member = new_member(world)
    clock.freeze(clock.now() + timedelta(days=30, seconds=1))
    assert member.get("/v1/store/me").status_code == 401


def test_sessions_that_ended_long_ago_are_forgotten_and_open_ones_kept(world):
    gone, ended, member = new_member(world), new_member(world), new_member(world)
    gone.delete("/v1/store/session")
    clock.freeze(clock.now() + timedelta(days=29))
    member = login_again(world, member)
    ended.delete("/v1/store/session")
    clock.freeze(clock.now() + timedelta(days=2))
    # One token and three codes are a month old; two tokens of a month ago ended only lately.
    assert run_sweep(world, "forget_ended_sessions") == 4
    assert member.get("/v1/store/me").status_code == 200
    assert run_sweep(world, "forget_ended_sessions") == 0


def test_only_the_hash_of_a_token_is_stored(world):
    member = new_member(world)
    stored = select_rows(
        world, "SELECT token_hash FROM access_token WHERE subject_id = :id", id=member.id
    )
    assert [bytes(row.token_hash) for row in stored] == [token_hash(member.token)]


@pytest.mark.parametrize("header", ["Bearer", "Bearer ", "Basic abc", "Bearer x" + "y" * 300, "x"])
def test_a_malformed_token_is_refused(world, header):
    reply = world.app.test_client().get("/v1/store/me", headers={"Authorization": header})
    assert (reply.status_code, reply.get_json()["code"]) == (401, "unauthenticated")


def test_a_wrong_token_is_refused_even_where_guests_are_welcome(world):
    stranger = Person(world.app, "not-a-token")
    assert stranger.get("/v1/store/products").status_code == 401
    assert Person(world.app).get("/v1/store/products").status_code == 200


def test_silent_wechat_is_said_as_such(world):
    ask_mock(world, "faults", {"path": "sns/jscode2session", "kind": "unavailable"})
    reply = Person(world.app).post("/v1/store/session", {"code": "dora:1"})
    assert (reply.status_code, reply.get_json()["code"]) == (503, "wechat_unavailable")
    assert Person(world.app).post("/v1/store/session", {"code": "dora:1"}).status_code == 201
