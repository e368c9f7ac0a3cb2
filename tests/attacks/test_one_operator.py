"""An operator alone makes neither value nor colleagues."""

import secrets

import pytest

from tests.attacks.attacking import Attacker
from tests.support.people import new_staff


def name():
    return f"x{secrets.token_hex(5)}"


# What one operator may only propose: where, and with which body. What another must confirm of
# value (transfers, payouts, payout accounts, grants) belongs here as soon as it is proposed.
PROPOSALS = {
    "an operator": (
        "POST",
        "/v1/ops/operators",
        lambda _: {"username": name(), "display_name": "新人", "duties": ["accounts"]},
    ),
    "an officer": (
        "POST",
        "/v1/ops/unions/{union_id}/officers",
        lambda _: {"username": name(), "display_name": "新人", "duties": ["approves"]},
    ),
    "another's duties": (
        "PUT",
        "/v1/ops/operators/{operator_id}/duties",
        lambda _: {"duties": ["finance_enters", "finance_confirms"]},
    ),
    "another's password": ("POST", "/v1/ops/accounts/{operator_id}/invitation", lambda _: None),
    "an officer's password": ("POST", "/v1/ops/accounts/{officer_id}/invitation", lambda _: None),
}
CHANGES = "/v1/ops/accounts/changes"


@pytest.fixture
def alone(tenants, port):
    return Attacker(port, tenants[0].operator.token)


@pytest.mark.parametrize("what", PROPOSALS)
def test_what_one_operator_proposes_is_not_done_by_the_same_one(tenants, alone, what):
    mine, theirs = tenants
    method, path, body = PROPOSALS[what]
    ids = {**mine.ids, "operator_id": theirs.operator.id}
    answer = alone.ask(method, path.format(**ids), body(mine))
    assert answer.status in (201, 202), answer.content
    change = answer.body.get("change", answer.body)
    # No invitation for the one who proposes: whoever has it sets the password.
    assert "code" not in str(answer.body.get("invitation"))
    confirmed = alone.ask("POST", f"{CHANGES}/{change['id']}/confirm")
    assert confirmed.code in ("same_person", "not_yourself"), confirmed.content
    [found] = [each for each in listed(alone) if each["id"] == change["id"]]
    assert found["state"] == "proposed"


def listed(operator):
    return operator.ask("GET", f"{CHANGES}?limit=100").body["items"]


def test_nobody_confirms_what_is_about_themselves(ground, tenants, port):
    """Two operators who work together still do not widen each other's duties by themselves."""
    mine = tenants[0]
    path = f"/v1/ops/operators/{mine.operator.id}/duties"
    body = {"duties": ["accounts", "finance_enters", "finance_confirms"]}
    answer = Attacker(port, mine.operator.token).ask("PUT", path, body)
    assert answer.code == "not_yourself"
    other = Attacker(port, new_staff(ground, "operator").token)
    change = other.ask("PUT", path, body)
    assert change.status == 202
    path = f"{CHANGES}/{change.body['id']}/confirm"
    assert Attacker(port, mine.operator.token).ask("POST", path).code == "not_yourself"


def test_one_account_on_two_phones_is_one_person(tenants, port):
    """A second token of the same operator does not confirm either."""
    mine = tenants[0]
    who = {"username": mine.operator.username, "password": "correct-horse-9"}
    second = Attacker(port)
    second.token = second.ask("POST", "/v1/ops/session", who).body["token"]
    body = {"username": name(), "display_name": "新人", "duties": ["accounts"]}
    change = Attacker(port, mine.operator.token).ask("POST", "/v1/ops/operators", body).body
    answer = second.ask("POST", f"{CHANGES}/{change['id']}/confirm")
    assert answer.code == "same_person"
