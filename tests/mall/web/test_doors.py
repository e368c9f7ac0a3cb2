"""What strangers see and leave behind: metrics, caches, pages; and a WeChat that is silent."""

import socket
import time

import pytest

from mall.shell import config
from mall.shell.app import create_app
from tests.support.people import Person, new_member


@pytest.fixture(scope="module")
def guarded(environment):
    return create_app(config.load({**environment, "MALL_METRICS_TOKEN": "very-secret"}))


def test_an_invented_method_leaves_no_series_behind(world):
    client = Person(world.app).client
    for method in ("BREW", "X" * 500, "GETT"):
        assert client.open("/healthz", method=method).status_code == 405
    text = client.get("/metrics").data.decode()
    assert 'method="OTHER"' in text
    assert "BREW" not in text and "XXX" not in text and "GETT" not in text


@pytest.mark.parametrize(
    ("address", "headers", "status"),
    [
        ("127.0.0.1", {}, 200),
        ("::1", {}, 200),
        ("10.1.1.1", {}, 403),
        ("127.0.0.1", {"X-Forwarded-For": "10.1.1.1"}, 403),
    ],
)
def test_metrics_are_read_on_this_machine_only(world, address, headers, status):
    client = Person(world.app).client
    reply = client.get("/metrics", environ_base={"REMOTE_ADDR": address}, headers=headers)
    assert reply.status_code == status


def test_metrics_with_a_token_are_read_with_it_from_anywhere(world, guarded):
    client = guarded.test_client()
    assert client.get("/metrics").status_code == 403
    where = {"REMOTE_ADDR": "10.1.1.1"}
    for given, status in (("very-secret", 200), ("wrong", 403), ("é", 403)):
        headers = {"Authorization": f"Bearer {given}"}
        reply = client.get("/metrics", headers=headers, environ_base=where)
        assert reply.status_code == status


def test_what_one_person_was_told_is_kept_by_nobody(world):
    member = new_member(world)
    for path in ("/v1/store/me", "/v1/store/beans", "/v1/store/none"):
        assert "no-store" in member.get(path).headers["Cache-Control"]
    signed_in = Person(world.app).post("/v1/store/session", {"code": "doors:1"})
    assert signed_in.headers["Cache-Control"] == "no-store"
    assert "Cache-Control" not in Person(world.app).get("/v1/store/products").headers


def test_pages_say_what_a_browser_may_do(world):
    page = Person(world.app).get("/docs")
    assert page.status_code == 200
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
    assert page.headers["X-Frame-Options"] == "DENY"
    assert page.headers["Referrer-Policy"] == "no-referrer"


def test_a_silent_wechat_is_asked_three_times_and_then_left_alone(world, environment):
    """Stopped in mid call: it takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as silent:
        base = f"http://127.0.0.1:{silent.getsockname()[1]}"
        given = {**environment, "WEIXIN_API_BASE": base, "WECHATPAY_TIMEOUT_SECONDS": "1"}
        client = create_app(config.load(given)).test_client()

        def sign_in():
            return client.post("/v1/store/session", json={"code": "silent:1"}).status_code

        assert [sign_in() for _ in range(3)] == [503] * 3
        began = time.perf_counter()
        assert [sign_in() for _ in range(20)] == [503] * 20
        assert time.perf_counter() - began < 1
