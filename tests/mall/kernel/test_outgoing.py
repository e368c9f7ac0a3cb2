"""A call of another service ends in time and in bounded memory, however its host dawdles."""

import ast
import dataclasses
import gzip
import socket
import ssl
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from fulfillment.tracking import gateway as tracking_gateway
from fulfillment.tracking.kuaidi100 import Kuaidi100
from mall.access.rules import WeChatUnavailable
from mall.access.wechat.login import WeChatLogin
from mall.kernel.outgoing.session import (
    AnswerTooLarge,
    BoundedSession,
    Bounds,
    TooSlow,
    bounded_by,
)
from mall.notification.wechat import WeChatMessages
from orders.payments.rules import GatewayUnavailable
from orders.payments.wechat import v2, v3, wire

ROOT = Path(__file__).parents[3]
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
SECONDS = 0.5
# How each host dawdles: what it says at once, then byte by byte.
DAWDLING = {
    "a head": (b"", HEAD * 50),
    "one line of a head": (b"", b"HTTP/1.1 200 " + b"O" * 500),
    "a body": (HEAD + b"Content-Length: 400\r\n\r\n", b"x" * 400),
    "a body without a length": (HEAD + b"Connection: close\r\n\r\n", b"x" * 400),
    "chunks": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n" * 100),
    "packed": (HEAD + b"Content-Encoding: gzip\r\nContent-Length: 400\r\n\r\n", b"\x1f\x8b" * 200),
    "silence": (b"", b""),
}


@contextmanager
def host(answer):
    """Answer every connection in a thread of its own, on loopback; give the base address."""
    over, threads = threading.Event(), []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve(connection):
            with connection:
                try:
                    connection.recv(65536)
                    answer(connection, over)
                except OSError:
                    pass

        def accept():
            while not over.is_set():
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                threads.append(threading.Thread(target=serve, args=(connection,)))
                threads[-1].start()

        threads.append(threading.Thread(target=accept))
        threads[0].start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            over.set()
            listening.shutdown(socket.SHUT_RDWR)
            for each in threads:
                each.join(5)


def slowly(at_once, then):
    """A byte every tenth of a second: no read is ever silent for long."""

    def answer(connection, over):
        connection.sendall(at_once)
        for number in range(len(then)):
            connection.sendall(then[number : number + 1])
            if over.wait(0.1):
                return
        over.wait(10)

    return answer


@pytest.mark.parametrize("how", DAWDLING)
def test_a_host_that_sends_byte_by_byte_is_left_when_the_time_is_over(how):
    with host(slowly(*DAWDLING[how])) as base:
        began = time.monotonic()
        with BoundedSession(Bounds(SECONDS)) as session, pytest.raises(requests.Timeout):
            session.get(base)
        assert SECONDS <= time.monotonic() - began < SECONDS + 1


def test_a_handshake_that_dawdles_is_within_the_time():
    with host(slowly(b"", b"\x16\x03\x03\x10\x00" + b"\x02" * 400)) as base:
        began = time.monotonic()
        with (
            BoundedSession(Bounds(SECONDS)) as session,
            pytest.raises(requests.RequestException),
        ):
            session.get(
                base.replace("http:", "https:"), verify=ssl.get_default_verify_paths().cafile
            )
        assert time.monotonic() - began < SECONDS + 1


def test_all_redirects_together_have_the_time_of_one_call():
    def answer(connection, over):
        over.wait(0.2)
        connection.sendall(b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n")
        connection.close()

    with host(answer) as base:
        began = time.monotonic()
        with BoundedSession(Bounds(SECONDS)) as session, pytest.raises(requests.RequestException):
            session.get(base)
        assert time.monotonic() - began < SECONDS + 1


@pytest.mark.parametrize("packs", [False, True])
def test_an_answer_larger_than_any_that_makes_sense_is_refused(packs):
    def answer(connection, _):
        plain = b"0" * 300_000
        body = gzip.compress(plain) if packs else plain
        head = b"Content-Encoding: gzip\r\n" if packs else b""
        connection.sendall(HEAD + head + b"Content-Length: %d\r\n\r\n" % len(body) + body)

    with host(answer) as base, BoundedSession(Bounds(5, 100_000)) as session:
        with pytest.raises(AnswerTooLarge):
            session.get(base)
        with bounded_by(Bounds(5, 300_000)):
            assert len(session.get(base).content) == 300_000


def test_a_connection_that_was_kept_is_within_the_time_of_the_next_call():
    said = HEAD + b"Content-Length: 2\r\n\r\n"

    def answer(connection, over):
        connection.sendall(said + b"{}")
        connection.recv(65536)
        slowly(said, b"{")(connection, over)

    with host(answer) as base, BoundedSession(Bounds(SECONDS)) as session:
        assert session.get(base).json() == {}
        time.sleep(SECONDS / 2)
        began = time.monotonic()
        with pytest.raises(requests.Timeout):
            session.get(base)
        assert SECONDS / 2 < time.monotonic() - began < SECONDS + 1


def test_a_body_that_ends_with_its_connection_is_not_taken_for_whole():
    """What was shut down looks like an end."""
    with (
        host(slowly(HEAD + b"Connection: close\r\n\r\n", b'{"a": 1}' + b" " * 100)) as base,
        BoundedSession(Bounds(1.2)) as session,
        pytest.raises(TooSlow),
    ):
        session.get(base)


# Every gateway


def login(app, base):
    settings = app.extensions["mall_settings"].wechat
    changed = dataclasses.replace(settings, login_base=base, timeout_seconds=SECONDS)
    with pytest.raises(WeChatUnavailable):
        WeChatLogin(changed, app.extensions["mall_redis"]).exchange_code("c")


def messages(app, base):
    settings = app.extensions["mall_settings"].wechat
    changed = dataclasses.replace(settings, login_base=base, timeout_seconds=SECONDS)
    sent = WeChatMessages(changed, app.extensions["mall_redis"])
    assert sent.send("o", "t", {}, "p").state == "pending"


def parcels(app, base):
    settings = app.extensions["mall_settings"].kuaidi100
    changed = dataclasses.replace(settings, base=base, timeout_seconds=SECONDS, key="k")
    asked = Kuaidi100(changed)
    assert asked.ask(tracking_gateway.TrackingNumber("sf", "SF1234567890123", "0001")) is None


def _merchant(app, base):
    merchant = app.extensions["mall_settings"].wechat.merchants[0]
    return dataclasses.replace(merchant, base=base, timeout_seconds=SECONDS)


def payments(app, base):
    merchant = _merchant(app, base)
    provider = (v3.WeChatPayV3 if merchant.version == "v3" else v2.WeChatPayV2)(
        merchant, lambda message: None
    )
    with pytest.raises(GatewayUnavailable):
        provider.query("P1")


def bills(app, base):
    session = wire.WireSession(_merchant(app, base), lambda message: None)
    with bounded_by(Bounds(SECONDS)), pytest.raises(requests.Timeout):
        session.get(base)


@pytest.mark.parametrize("ask", [login, messages, parcels, payments, bills])
def test_no_gateway_is_waited_for_longer_than_its_time(world, ask):
    with host(slowly(*DAWDLING["a body"])) as base:
        began = time.monotonic()
        ask(world.app, base)
        # A token is asked for first where one is needed.
        assert time.monotonic() - began < 2 * SECONDS + 1


def test_nobody_asks_another_service_in_another_way():
    """Children end by their own clock; the supervisor asks what it started itself."""
    apart = {"mall/kernel/outgoing/session.py", "mall/kernel/files/fetching.py"}
    apart |= {"mall/shell/supervisor.py"}
    ways = {"get", "post", "put", "patch", "delete", "head", "request", "Session", "session"}
    found = []
    for package in ("mall", "catalog", "orders", "fulfillment", "search_index"):
        for path in (ROOT / package).rglob("*.py"):
            name = str(path.relative_to(ROOT))
            if name in apart or "_mock/" in name or "/stories/" in name:
                continue
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                    is_requests = node.value.id == "requests" and node.attr in ways
                    if is_requests or node.value.id in ("urllib3", "httpx"):
                        found.append(f"{name}: {ast.unparse(node)}")
                if isinstance(node, ast.ImportFrom) and node.module in (
                    "urllib.request",
                    "http.client",
                ):
                    found.append(f"{name}: {node.module}")
    assert found == []
