"""How often somebody may do what costs much, and what a 429 says."""

import itertools
import re
from pathlib import Path

import pytest

from mall.shell import config
from mall.shell.app import create_app
from mall.shell.serving.rsgi import _marked
from mall.web.counts import ALONE
from mall.web.quotas import QUOTAS
from mall.web.rooms import ROOMS
from tests.support.people import new_member

DOCUMENT = Path(__file__).parents[3] / "docs" / "limits.md"
WRONG = {"username": "nobody", "password": "wrong-password"}


_numbers = itertools.count()


@pytest.fixture(scope="module")
def limited(environment):
    return create_app(config.load({**environment, "MALL_RATE_LIMITS": "1"}))


def sign_in(app, address="10.0.0.1", body=None, path="/v1/ops/session"):
    """Try a password, of another name each time: one name alone is slowed down before."""
    where = {"REMOTE_ADDR": address}
    body = body or {**WRONG, "username": f"nobody-{next(_numbers)}"}
    return app.test_client().post(path, json=body, environ_base=where)


def test_wrong_passwords_of_one_address_are_slowed_down_and_no_other(world, limited):
    replies = [sign_in(limited) for _ in range(31)]
    assert [reply.status_code for reply in replies] == [401] * 30 + [429]
    first, last = replies[0], replies[-1]
    assert last.get_json()["code"] == "too_many_requests"
    assert 0 < int(last.headers["Retry-After"]) <= 60
    assert (first.headers["RateLimit-Limit"], last.headers["RateLimit-Remaining"]) == ("30", "0")
    # Another audience shares the count, another address does not.
    assert sign_in(limited, path="/v1/supplier/session").status_code == 429
    assert sign_in(limited, "10.0.0.2").status_code == 401


def test_sign_ins_that_succeed_are_not_counted(world, limited):
    for number in range(40):
        reply = sign_in(limited, body={"code": f"quota:{number}"}, path="/v1/store/session")
        assert reply.status_code == 201


def test_an_account_is_counted_wherever_it_is(world, limited):
    member = new_member(world)
    path = "/v1/store/products?q=nothing"

    def search(person, address):
        headers = {"Authorization": f"Bearer {person.token}"}
        where = {"REMOTE_ADDR": address}
        return limited.test_client().get(path, headers=headers, environ_base=where)

    replies = [search(member, f"10.0.1.{number % 7}") for number in range(301)]
    assert (replies[299].status_code, replies[300].status_code) == (200, 429)
    assert search(new_member(world), "10.0.1.1").status_code == 200
    # A listing without words is the shop window: never counted.
    shown = limited.test_client().get("/v1/store/products")
    assert (shown.status_code, "RateLimit-Limit" in shown.headers) == (200, False)


def test_without_valkey_each_process_counts_by_itself_and_says_so(world, environment):
    away = {**environment, "MALL_RATE_LIMITS": "1", "REDIS_URL": "redis://127.0.0.1:9/0"}
    app = create_app(config.load(away))
    before = ALONE._value.get()
    assert [sign_in(app).status_code for _ in range(31)] == [401] * 30 + [429]
    assert sign_in(app, "10.0.0.9").status_code == 401
    assert ALONE._value.get() > before


def test_each_file_that_is_taken_or_made_has_a_quota_and_a_room(limited):
    for rule in limited.url_map.iter_rules():
        view = limited.view_functions[rule.endpoint]
        if hasattr(view, "_takes_file"):
            assert view._quota.name in ("upload", "image"), rule
        if getattr(view, "_room", "") == "papers":
            assert view._quota.name == "paper", rule


def test_the_table_in_the_documents_is_that_of_the_code(limited):
    text = DOCUMENT.read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\w+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", text, re.MULTILINE)
    by = {
        quota.name: ("address" if quota.is_by_address else "account")
        + (", failures only" if quota.counts_failures else "")
        for quota in QUOTAS
    }
    wanted = [(quota.name, quota.most, by[quota.name], quota.about) for quota in QUOTAS]
    assert rows[1 : len(wanted) + 1] == wanted
    sizes = {name: (str(size.threads), str(size.waiting)) for name, size in ROOMS.items()}
    assert {row[0]: (row[1], row[2]) for row in rows if row[0] in sizes} == sizes


def test_rooms_are_known_by_the_address_alone(limited):
    passwords = _marked(limited, "_room", "passwords")
    assert passwords.fullmatch("POST /v1/ops/session")
    assert not passwords.fullmatch("DELETE /v1/ops/session")
    assert _marked(limited, "_takes_file").fullmatch("POST /v1/store/images")
