"""Clients that dawdle against a real `mall serve`, no proxy in front (docs/adr/0026)."""

import os
import socket
import subprocess
import time

import pytest
import requests

from mall.shell.serving.ports import free_port
from tests.support.people import new_member, order_body
from tests.support.processes import MALL, answers, kill_all, wait_until
from tests.support.shop import new_sku

EACH = 200
# What a person notices; the measure of the issue.
P99_SECONDS = 0.5
LARGE = "/docs/assets/swagger-ui-bundle.js"


@pytest.fixture(scope="module")
def port(environment):
    """One service for all tests of this file."""
    found = free_port(28000 + os.getpid() % 2000)
    process = subprocess.Popen(
        [MALL, "serve", "--port", str(found)], env={**os.environ, **environment}
    )
    wait_until(lambda: answers(f"http://127.0.0.1:{found}/healthz"), 30)
    yield found
    kill_all(process)


def connection(port, sent=b"", receive_buffer=None):
    found = socket.socket()
    if receive_buffer:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    found.settimeout(20)
    found.connect(("127.0.0.1", port))
    found.sendall(sent)
    return found


def head(method, path, *lines):
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: mall", *lines, "", ""]).encode()


def received(found):
    """Return all that a connection brings until it is closed."""
    parts = []
    while part := found.recv(65536):
        parts.append(part)
    return b"".join(parts)


def slow_clients(port):
    half_head = b"GET /v1/store/products HTTP/1.1\r\nHost: mall\r\nX-Never: "
    half_body = head("POST", "/v1/webhooks/wechat/pay", "Content-Length: 1000") + b"<xml><"
    for _ in range(EACH):
        yield connection(port, half_head)
        yield connection(port, half_body)
        yield connection(port, head("GET", LARGE), receive_buffer=4096)


def times(act, count):
    taken = []
    for _ in range(count):
        began = time.perf_counter()
        assert act().status_code in (200, 201)
        taken.append(time.perf_counter() - began)
    return sorted(taken)


def test_six_hundred_dawdling_clients_delay_nobody(world, port, audited):
    base = f"http://127.0.0.1:{port}"
    member, body = (
        new_member(world, beans_fen=1_000_000),
        order_body([new_sku(world, 100)[1]], "beans", 100),
    )
    dawdling = list(slow_clients(port))
    try:
        with requests.Session() as session:
            session.headers["Authorization"] = f"Bearer {member.token}"

            def place():
                key = {"Idempotency-Key": os.urandom(8).hex()}
                return session.post(f"{base}/v1/store/orders", json=body, headers=key, timeout=30)

            orders = times(place, 100)
            alive = times(lambda: requests.get(f"{base}/healthz", timeout=30), 100)
    finally:
        for each in dawdling:
            each.close()
    assert orders[98] < P99_SECONDS and alive[98] < P99_SECONDS, (orders[-3:], alive[-3:])
    audited()


def test_what_honest_clients_do_still_works(world, port):
    """Bodies in chunks, after 100-continue and one byte at a time; HEAD; one connection for all."""
    base = f"http://127.0.0.1:{port}"
    wanted = {"username": "nobody", "password": "wrong-password"}
    body = b'{"username": "nobody", "password": "wrong-password"}'
    with requests.Session() as session:
        plain = session.post(f"{base}/v1/ops/session", json=wanted, timeout=10)
        chunked = session.post(
            f"{base}/v1/ops/session",
            data=iter([body[:9], body[9:]]),
            headers={"Content-Type": "application/json"},
            timeout=10,
        )
        empty = session.head(f"{base}{LARGE}", timeout=10)
        large = session.get(f"{base}{LARGE}", timeout=10)
        part = session.get(f"{base}{LARGE}", headers={"Range": "bytes=100-199"}, timeout=10)
    assert (plain.status_code, chunked.status_code) == (401, 401)
    assert plain.json() == chunked.json()
    assert int(empty.headers["Content-Length"]) == len(large.content)
    assert (part.status_code, part.content) == (206, large.content[100:200])
    lines = ["Content-Type: application/json", f"Content-Length: {len(body)}", "Connection: close"]
    with connection(port, head("POST", "/v1/ops/session", *lines, "Expect: 100-continue")) as found:
        assert found.recv(100).startswith(b"HTTP/1.1 100 Continue")
        for at in range(len(body)):
            found.sendall(body[at : at + 1])
        assert received(found).startswith(b"HTTP/1.1 401 ")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (head("POST", "/v1/ops/session", f"Content-Length: {5 * 1024 * 1024}"), 413),
        (head("POST", "/v1/ops/session", "Content-Length: 9" + "9" * 18), 400),
        (
            head("POST", "/v1/ops/session", "Transfer-Encoding: chunked") + b"3\r\nabc\r\nno\r\n",
            400,
        ),
    ],
    ids=["too-large", "no-number", "broken-chunk"],
)
def test_a_body_that_cannot_be_taken_is_refused_before_it_is_read(world, port, sent, status):
    with connection(port, sent) as found:
        answer = received(found)
    assert answer.startswith(b"HTTP/1.1 %d " % status)


def test_a_stop_lets_the_request_under_way_end(world, start):
    """SIGTERM: what is being answered is answered; what dawdles does not hold the process."""
    port = free_port(28000 + os.getpid() % 2000)
    process = start("serve", "--port", str(port), "--workers", "1")
    wait_until(lambda: answers(f"http://127.0.0.1:{port}/healthz"), 30)
    lines = ["Content-Type: application/json", "Content-Length: 2"]
    with connection(port, head("POST", "/v1/ops/session", *lines) + b"{") as found:
        time.sleep(0.2)
        process.terminate()
        time.sleep(0.2)
        found.sendall(b"}")
        assert found.recv(4096).startswith(b"HTTP/1.1 422 ")
    process.wait(20)


def test_a_second_service_on_the_port_is_refused_with_a_sentence(world, port, environment):
    done = subprocess.run(
        [MALL, "serve", "--port", str(port)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}" in done.stderr
