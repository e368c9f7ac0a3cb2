"""A session ends with its reason; guessing is slow, tells nothing and keeps nobody else out."""

import secrets
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from threading import Barrier

import pytest

from tests.attacks.attacking import Attacker
from tests.support.people import new_member, new_staff
from tests.support.shop import new_store, new_supplier
from tests.support.soak import long_or_short

PASSWORD = "correct-horse-9"
ROUNDS = long_or_short(10, 2)
DOORS = {"store": "/v1/store/me", "supplier": "/v1/supplier/products", "ops": "/v1/ops/suppliers"}
DOORS |= {"union": "/v1/union/rosters", "pickup": "/v1/pickup/account"}


def home(person):
    """Return an address of this machine that only this person comes from."""
    return "127." + ".".join(
        str(1 + each % 250) for each in sha256(person.username.encode()).digest()[:3]
    )


def sign_in(port, person, audience, password=PASSWORD, address=None):
    """Sign in from the person's own address: wrong guesses of others must not slow it down."""
    who = {"username": person.username, "password": password}
    stranger = Attacker(port, address=address or home(person))
    try:
        return stranger.ask("POST", f"/v1/{audience}/session", who)
    finally:
        stranger.close()


def is_in(port, token, audience):
    guest = Attacker(port, token)
    try:
        return guest.ask("GET", DOORS[audience]).status == 200
    finally:
        guest.close()


def beside(act, count, other):
    """Do `act(0)`, `act(1)`, … and `other()` at one instant; return what the acts brought."""
    barrier = Barrier(count + 1)

    def at_once(call, *args):
        barrier.wait(20)
        return call(*args)

    with ThreadPoolExecutor(count + 1) as pool:
        acts = [pool.submit(at_once, act, number) for number in range(count)]
        pool.submit(at_once, other).result(60)
        return [each.result(60) for each in acts]


@pytest.mark.parametrize("round_", range(ROUNDS))
def test_no_sign_in_beside_a_disabling_leaves_a_living_token(ground, tenants, port, round_):
    """Six sign-ins of a member while an operator disables them, over HTTP."""
    member, operator = new_member(ground), Attacker(port, tenants[0].operator.token)
    code = f"{member.wechat_name}:{secrets.token_hex(4)}"

    def enter(number):
        return Attacker(port).ask("POST", "/v1/store/session", {"code": f"{code}-{number}"})

    def disable():
        path = f"/v1/ops/members/{member.id}/state"
        assert operator.ask("PUT", path, {"is_active": False}).status == 200

    answers = beside(enter, 6, disable)
    tokens = [each.body["token"] for each in answers if each.status == 201]
    assert [each for each in [*tokens, member.token] if is_in(port, each, "store")] == []


@pytest.mark.parametrize("round_", range(ROUNDS))
def test_no_sign_in_beside_a_closing_of_the_supplier_leaves_a_living_token(
    ground, tenants, port, round_
):
    supplier_id = new_supplier(ground)
    person, clerk = (
        new_staff(ground, "supplier", supplier_id),
        new_staff(ground, "store_clerk", new_store(ground, supplier_id)),
    )
    operator = Attacker(port, tenants[0].operator.token)

    def enter(number):
        who, audience = ((person, "supplier"), (clerk, "pickup"))[number % 2]
        return audience, sign_in(port, who, audience)

    def close():
        path = f"/v1/ops/suppliers/{supplier_id}/state"
        assert operator.ask("PUT", path, {"state": "closed"}).status == 200

    told = beside(enter, 6, close)
    tokens = [(who, each.body["token"]) for who, each in told if each.status == 201]
    tokens += [("supplier", person.token), ("pickup", clerk.token)]
    assert [token for who, token in tokens if is_in(port, token, who)] == []


def test_a_changed_password_ends_every_other_session(ground, port):
    person = new_staff(ground, "operator")
    first = sign_in(port, person, "ops").body["token"]
    other = sign_in(port, person, "ops").body["token"]
    body = {"current_password": PASSWORD, "new_password": "another-horse-9-battery"}
    changed = Attacker(port, first).ask("POST", "/v1/ops/password", body)
    assert changed.status in (200, 204), changed.content
    assert not is_in(port, other, "ops") and not is_in(port, person.token, "ops")
    assert sign_in(port, person, "ops").status == 401


def test_signing_out_ends_the_session_at_once(ground, port):
    person = new_staff(ground, "supplier", new_supplier(ground))
    token = sign_in(port, person, "supplier").body["token"]
    assert is_in(port, token, "supplier")
    assert Attacker(port, token).ask("DELETE", "/v1/supplier/session").status == 204
    assert not is_in(port, token, "supplier")


def test_a_guesser_keeps_out_only_its_own_address_and_learns_no_name(ground, port):
    """From three addresses of this machine: the guesser, another name's guesser, the owner."""
    person, told = new_staff(ground, "operator"), {}
    nobody = type(person)(ground.app)
    nobody.username = f"s{secrets.token_hex(6)}"
    for who, address in ((person, "127.0.0.11"), (nobody, "127.0.0.12")):
        answers = [sign_in(port, who, "ops", "wrong", address) for _ in range(8)]
        told[who] = [(each.status, each.code, each.body["detail_zh"][:4]) for each in answers]
    assert told[person] == told[nobody]
    assert [each[0] for each in told[person]] == [401] * 5 + [429] * 3
    # The guesser waits although it has found the password; the owner, elsewhere, does not.
    locked = sign_in(port, person, "ops", address="127.0.0.11")
    assert locked.status == 429 and int(locked.headers["Retry-After"]) > 0
    assert sign_in(port, person, "ops", address="127.0.0.13").status == 201


def test_thirty_two_guesses_at_once_are_not_more_than_one_after_the_other(ground, port):
    person = new_staff(ground, "operator")

    def guess(_):
        return sign_in(port, person, "ops", "wrong", "127.0.0.14").status

    with ThreadPoolExecutor(32) as pool:
        statuses = list(pool.map(guess, range(32)))
    # What waits too long for a thread of its room is told to come again.
    assert statuses.count(401) <= 5 and set(statuses) <= {401, 429, 503}


def test_a_token_opens_nothing_but_what_it_is(tenants, port):
    token = tenants[0].seller.token
    for odd in (
        token.upper(),
        token[:-1],
        token + "0",
        f" {token}x",
        "null",
        "undefined",
        "' OR 1=1",
    ):
        assert not is_in(port, odd, "supplier"), odd
    for scheme in ("Basic", "Token", "bearer;"):
        answer = Attacker(port).ask(
            "GET", DOORS["supplier"], headers=[("Authorization", f"{scheme} {token}")]
        )
        assert answer.status == 401, scheme
    assert Attacker(port).ask("GET", f"{DOORS['supplier']}?token={token}").status == 401
