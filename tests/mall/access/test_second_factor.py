"""One-time passwords: set up, needed, used once, lost."""

from datetime import timedelta

import pyotp
import pytest

from mall.kernel import clock
from tests.mall.access.test_http import PASSWORD
from tests.support.database import count_rows, select_rows
from tests.support.people import Person, accept_invitation, at_once, new_staff


@pytest.fixture
def secured(world):
    """An operator with a second factor, its app, and the recovery codes."""
    clock.freeze(clock.now())
    operator = new_staff(world, "operator")
    found = operator.post("/v1/ops/totp", {"password": PASSWORD}).get_json()
    operator.app = pyotp.TOTP(found["secret"])
    reply = operator.post("/v1/ops/totp/confirm", {"code": code_of(operator)})
    operator.recovery = reply.get_json()["recovery_codes"]
    # That step is used.
    clock.freeze(clock.now() + timedelta(seconds=60))
    return operator


def code_of(operator):
    return operator.app.at(clock.now())


def sign_in(world, operator, **more):
    body = {"username": operator.username, "password": PASSWORD, **more}
    return Person(world.app).post("/v1/ops/session", body)


def test_a_password_alone_opens_nothing_any_more(world, secured):
    assert sign_in(world, secured).get_json()["code"] == "totp_needed"
    assert sign_in(world, secured, totp="000000").get_json()["code"] == "totp_wrong"
    assert sign_in(world, secured, totp=code_of(secured)).status_code == 201
    assert secured.get("/v1/ops/account").get_json()["has_totp"] is True


def test_a_code_works_once_however_many_send_it(world, secured):
    code = code_of(secured)
    replies = at_once(*[lambda: sign_in(world, secured, totp=code).status_code] * 5)
    assert sorted(replies) == [201, 401, 401, 401, 401]


def test_recovery_codes_work_once_each(world, secured):
    assert len(set(secured.recovery)) == 10
    code = secured.recovery[0]
    assert sign_in(world, secured, totp=code.lower()).status_code == 201
    assert sign_in(world, secured, totp=code).get_json()["code"] == "totp_wrong"
    assert sign_in(world, secured, totp=secured.recovery[1]).status_code == 201


def test_wrong_codes_are_counted_as_wrong_passwords_are(world, secured):
    codes = [sign_in(world, secured, totp="000000").get_json()["code"] for _ in range(6)]
    assert codes == ["totp_wrong"] * 5 + ["locked_out"]


def test_an_old_or_early_code_is_refused(world, secured):
    for seconds in (-90, 90):
        code = secured.app.at(clock.now() + timedelta(seconds=seconds))
        assert sign_in(world, secured, totp=code).get_json()["code"] == "totp_wrong"


def test_the_secret_is_not_readable_in_the_database(world, secured):
    [row] = select_rows(world, "SELECT secret FROM second_factor")
    assert secured.app.secret.encode() not in bytes(row.secret)
    stored = select_rows(world, "SELECT code_hash FROM recovery_code")
    assert all(secured.recovery[0].encode() not in bytes(each.code_hash) for each in stored)


def test_it_is_begun_with_the_password_and_set_once(world, secured):
    operator = new_staff(world, "operator")
    reply = operator.post("/v1/ops/totp", {"password": "wrong"})
    assert reply.get_json()["code"] == "bad_credentials"
    assert operator.post("/v1/ops/totp/confirm", {"code": "123456"}).status_code == 401
    reply = secured.post("/v1/ops/totp", {"password": PASSWORD})
    assert reply.get_json()["code"] == "totp_set"


def test_what_was_begun_and_not_confirmed_is_not_asked_for(world):
    operator = new_staff(world, "operator")
    operator.post("/v1/ops/totp", {"password": PASSWORD})
    assert sign_in(world, operator).status_code == 201


@pytest.mark.parametrize(
    ("method", "path", "is_secured"),
    [
        ("POST", "/v1/ops/beans/grants", True),
        ("POST", "/v1/ops/operators", True),
        ("PUT", "/v1/ops/members/019a3c5e-0000-7000-8000-000000000001/state", False),
    ],
)
def test_finance_and_accounts_need_it_where_the_setting_says_so(
    world, secured, monkeypatch, method, path, is_secured
):
    settings = world.app.extensions["mall_settings"]
    object.__setattr__(settings, "totp_required", True)
    try:
        codes = [who.call(method, path, {}) for who in (new_staff(world, "operator"), secured)]
    finally:
        object.__setattr__(settings, "totp_required", False)
    told = [reply.get_json()["code"] for reply in codes]
    assert (told[0] == "totp_required") is is_secured
    assert told[1] == "validation_failed"


def test_a_lost_phone_is_answered_by_an_invitation_of_two_operators(world, secured):
    one, other = new_staff(world, "operator"), new_staff(world, "operator")
    change = one.post(f"/v1/ops/accounts/{secured.id}/invitation").get_json()["change"]
    reply = other.post(f"/v1/ops/accounts/changes/{change['id']}/confirm")
    person = accept_invitation(world, "ops", secured.username, reply.get_json()["invitation"])
    assert person.get("/v1/ops/account").get_json()["has_totp"] is False
    assert count_rows(world, "recovery_code") == 0
