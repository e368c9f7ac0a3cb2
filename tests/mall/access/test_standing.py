"""A session lives no longer than its reason."""

import secrets
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from mall.access import service as access_service
from mall.kernel.uow import unit_of_work
from mall.members.service import unions
from tests.mall.access.test_http import PASSWORD, sign_in
from tests.support.people import Person, login_again, new_member, new_staff
from tests.support.shop import new_store, new_supplier
from tests.support.working import in_another_thread

DOORS = {
    "store": "/v1/store/me",
    "union": "/v1/union/rosters",
    "supplier": "/v1/supplier/products",
    "pickup": "/v1/pickup/day",
    "ops": "/v1/ops/suppliers",
}


def is_in(person, audience):
    return person.get(DOORS[audience]).status_code == 200


def a_union(world):
    with world.app.app_context(), unit_of_work() as uow:
        return unions.open_union(uow, f"U-{secrets.token_hex(4)}", "工会").id


def reopened(world, person, role, scope_id=None, password=PASSWORD, duties=()):
    with world.app.app_context(), unit_of_work() as uow:
        new = access_service.NewStaff(person.username, "x", password, role, scope_id, duties)
        access_service.open_staff_account(uow, new)


def test_whoever_of_a_closed_supplier_is_signed_in_is_out_with_its_clerks(world):
    supplier_id = new_supplier(world)
    store_id = new_store(world, supplier_id)
    person, clerk = (
        new_staff(world, "supplier", supplier_id),
        new_staff(world, "store_clerk", store_id),
    )
    path, operator = f"/v1/ops/suppliers/{supplier_id}/state", new_staff(world, "operator")
    assert operator.put(path, {"state": "suspended"}).status_code == 200
    assert is_in(person, "supplier")
    assert is_in(clerk, "pickup")
    assert operator.put(path, {"state": "closed"}).status_code == 200
    assert not is_in(person, "supplier")
    assert not is_in(clerk, "pickup")
    assert sign_in(world, person.username, audience="supplier").status_code == 401
    assert sign_in(world, clerk.username, audience="pickup").status_code == 401


def test_officers_of_a_closed_union_are_out_until_it_is_opened_again(world):
    union_id = a_union(world)
    officer, operator = new_staff(world, "union_officer", union_id), new_staff(world, "operator")
    path = f"/v1/ops/unions/{union_id}/state"
    assert is_in(officer, "union")
    assert operator.put(path, {"is_active": False}).get_json()["is_active"] is False
    assert not is_in(officer, "union")
    assert sign_in(world, officer.username, audience="union").status_code == 401
    operator.put(path, {"is_active": True})
    assert is_in(officer, "union")


@pytest.mark.parametrize("what", ["password", "role", "scope"])
def test_another_password_role_or_scope_ends_every_session(world, what):
    supplier_id, person = new_supplier(world), None
    person = new_staff(world, "supplier", supplier_id)
    changed = {
        "password": ("supplier", supplier_id, "another-horse-9"),
        "role": ("operator", None, PASSWORD),
        "scope": ("supplier", new_supplier(world), PASSWORD),
    }[what]
    reopened(world, person, *changed)
    assert person.get(DOORS["supplier"]).status_code == 401
    # Nor do they come back when all is as it was.
    reopened(world, person, "supplier", supplier_id)
    assert person.get(DOORS["supplier"]).status_code == 401


def test_the_same_account_opened_again_keeps_its_sessions(world):
    operator = new_staff(world, "operator")
    reopened(world, operator, "operator")
    assert is_in(operator, "ops")


def race(world, sign_one_in, disable):
    """Six sign in while somebody disables; return the tokens that were given."""
    gate = Barrier(7)

    def one(number):
        gate.wait(10)
        return sign_one_in(number)

    def close():
        gate.wait(10)
        disable()

    with ThreadPoolExecutor(7) as pool:
        closing = pool.submit(close)
        replies = list(pool.map(one, range(6)))
        closing.result(30)
    return [reply.get_json()["token"] for reply in replies if reply.status_code == 201]


@pytest.mark.parametrize("number", range(5))
def test_no_sign_in_outlives_the_member_that_is_disabled_beside_it(world, number):
    member, operator = new_member(world), new_staff(world, "operator")
    path = f"/v1/ops/members/{member.id}/state"

    def sign_one_in(number):
        code = {"code": f"{member.wechat_name}:r{number}"}
        return Person(world.app).post("/v1/store/session", code)

    tokens = race(world, sign_one_in, lambda: operator.put(path, {"is_active": False}))
    tokens.append(member.token)
    assert [each for each in tokens if is_in(Person(world.app, each), "store")] == []
    # Also when the member is welcome again: only a new sign-in counts.
    operator.put(path, {"is_active": True})
    assert [each for each in tokens if is_in(Person(world.app, each), "store")] == []
    assert is_in(login_again(world, member), "store")


@pytest.mark.parametrize("number", range(5))
def test_no_sign_in_outlives_the_account_that_is_closed_beside_it(world, number):
    officer = new_staff(world, "union_officer", a_union(world))

    def disable():
        with world.app.app_context(), unit_of_work() as uow:
            access_service.disable_staff_account(uow, officer.username)

    tokens = race(world, lambda _: sign_in(world, officer.username, audience="union"), disable)
    tokens.append(officer.token)
    assert [each for each in tokens if is_in(Person(world.app, each), "union")] == []


def test_a_sign_in_that_commits_after_the_account_was_closed_and_opened_again_is_dead(world):
    """The slowest of all sign-ins: it read the account before."""
    member, operator = new_member(world), new_staff(world, "operator")
    path = f"/v1/ops/members/{member.id}/state"
    with world.app.app_context(), unit_of_work() as uow:
        token = access_service.issue_token(uow, "store", member.id, 0).token
        for is_active in (False, True):
            in_another_thread(lambda on=is_active: operator.put(path, {"is_active": on}))
    assert not is_in(Person(world.app, token), "store")
