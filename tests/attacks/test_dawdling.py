"""Whoever sends or takes slowly costs a connection, never a worker."""

import socket
import time

import pytest

from tests.attacks.attacking import Attacker
from tests.support.people import new_member, order_body
from tests.support.shop import new_sku
from tests.support.soak import long_or_short

# The measure is 500 ms, with the machine for itself; in the short form other tests run beside.
EACH, P99_SECONDS, ASKED = long_or_short((200, 0.5, 100), (12, 2.0, 25))
LARGE = "/docs/assets/swagger-ui-bundle.js"


def head(method, path, *lines):
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: mall", *lines, "", ""]).encode()


DAWDLING = {
    "half a head": b"GET /v1/store/products HTTP/1.1\r\nHost: mall\r\nX-Never: ",
    "half a body": head("POST", "/v1/webhooks/wechat/pay", "Content-Length: 1000") + b"<xml><",
    "no chunk": head("POST", "/v1/ops/session", "Transfer-Encoding: chunked"),
    "half a file": head("POST", "/v1/supplier/uploads", "Content-Length: 900000") + b"PK\x03\x04",
    "a slow reader": head("GET", LARGE),
    "many at once": head("GET", LARGE) * 20,
    "silence": b"",
}


@pytest.fixture(params=DAWDLING)
def dawdlers(request, port):
    found = []
    for _ in range(EACH):
        line = socket.socket()
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        line.settimeout(20)
        line.connect(("127.0.0.1", port))
        line.sendall(DAWDLING[request.param])
        found.append(line)
    yield found
    for line in found:
        line.close()


def times(act, status):
    taken = []
    for _ in range(ASKED):
        began = time.perf_counter()
        assert act().status == status
        taken.append(time.perf_counter() - began)
    return sorted(taken)


def test_dawdling_requests_delay_nobody(ground, tenants, port, dawdlers):
    member = Attacker(port, new_member(ground, beans_fen=100_000).token)
    body = order_body([new_sku(ground, 100, 1_000)[1]], "beans", 100)
    alive = times(lambda: member.ask("GET", "/healthz"), 200)
    placed = times(lambda: member.ask("POST", "/v1/store/orders", body), 201)
    assert alive[-2] < P99_SECONDS and placed[-2] < P99_SECONDS, (alive[-3:], placed[-3:])
    member.close()
