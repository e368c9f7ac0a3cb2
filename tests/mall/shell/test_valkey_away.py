"""Valkey away in every manner costs speed, nothing else (docs/adr/0040)."""

import os
import secrets
import socket
import subprocess
import time
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import RedisError
from rq.exceptions import StopRequested

from devtools import engines
from mall.kernel import queue as rq_queues
from mall.shell.app import create_app
from mall.shell.background import stand_in, worker
from mall.shell.background.pulse import Pulse
from mall.shell.background.stand_in import StandIn
from mall.shell.config import load
from mall.shell.serving.ports import free_port
from mall.shell.serving.stopping import Stop
from tests.support.database import count_rows, execute_sql, findings_of, select_rows
from tests.support.people import (
    Person,
    grant_beans,
    new_member,
    order_body,
    phone_number,
    second_operator,
)
from tests.support.processes import wait_until
from tests.support.shop import new_sku

# How Valkey may be away; the last two are fixtures.
KINDS = ("refusing", "hanging", "read_only")


@pytest.fixture(scope="module")
def silent():
    """A server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=512) as found:
        yield f"redis://127.0.0.1:{found.getsockname()[1]}/0"


@pytest.fixture(scope="module")
def read_only(process_name):
    """A Valkey that takes nothing: a replica whose primary is gone."""
    port = free_port(26000)
    folder = Path(os.environ["MALL_TEST_DIRECTORY"]) / f"replica-{process_name}"
    command = engines.valkey_command(folder, port)
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    client = Redis(port=port)
    wait_until(lambda: _pings(client))
    client.replicaof("127.0.0.1", 9)
    yield f"redis://127.0.0.1:{port}/0"
    process.kill()
    process.wait(10)


def _pings(client):
    try:
        return client.ping()
    except RedisError:
        return False


@pytest.fixture(scope="module", params=KINDS)
def alone(request, environment):
    """The service where Valkey is away in one of three manners."""
    url = (
        "redis://127.0.0.1:9/0"
        if request.param == "refusing"
        else request.getfixturevalue({"hanging": "silent"}.get(request.param, request.param))
    )
    made = create_app(load(environment | {"REDIS_URL": url, "MALL_RATE_LIMITS": "1"}))
    yield made
    with made.app_context():
        made.extensions["mall_pool"].close()
        made.extensions["sqlalchemy"].engine.dispose()


@pytest.fixture
def guest(world, alone):
    return Person(alone)


def test_a_member_signs_in_binds_a_phone_searches_and_buys(world, alone, guest):
    name = secrets.token_hex(4)
    began = time.monotonic()
    reply = guest.post("/v1/store/session", {"code": f"{name}:1"})
    assert reply.status_code == 201
    # A code that was used is refused, as ever: that is kept in the database.
    assert guest.post("/v1/store/session", {"code": f"{name}:1"}).status_code == 401
    member = Person(alone, reply.get_json()["token"], reply.get_json()["member_id"])
    phone = {"code": f"phone-{phone_number()}:{name}"}
    assert member.put("/v1/store/me/phone", phone).status_code == 200
    for number in range(3):
        new_sku(world, 1000, title=f"良姜 {number}")
    page = member.get("/v1/store/products?q=良姜&limit=2")
    assert page.status_code == 200
    cursor = page.get_json()["next_cursor"]
    more = member.get(f"/v1/store/products?q=良姜&limit=2&cursor={cursor}").get_json()
    assert len(more["items"]) == 1
    home = {"recipient": "陈小湛", "phone": "13800000001", "region_code": "440802"}
    member.post("/v1/store/addresses", {**home, "detail": "跃进路 1 号"})
    grant_beans(world, member, 1000)
    body, key = order_body([new_sku(world, 1000)[1]], "beans", 1000), secrets.token_hex(8)
    placed = member.post("/v1/store/orders", body, key)
    assert (placed.status_code, placed.get_json()["state"]) == (201, "paid")
    assert member.post("/v1/store/orders", body, key).get_json() == placed.get_json()
    assert time.monotonic() - began < 6


def test_staff_signs_in_is_slowed_down_and_sees_what_waits(world, alone, guest):
    wrong = {"username": "nobody", "password": "wrong-password"}
    statuses = {
        guest.post("/v1/ops/session", {**wrong, "username": f"nobody-{n}"}).status_code
        for n in range(40)
    }
    assert statuses == {401, 429}
    operator = Person(alone, second_operator(world).token)
    found = operator.get("/v1/ops/deliveries/queues")
    assert (found.status_code, found.get_json()["workers"]) in ((200, None), (200, 0))


def test_a_web_process_stays_ready(world, alone, guest):
    assert guest.get("/readyz").status_code == 200
    assert guest.get("/metrics").status_code == 200


def test_a_server_that_hangs_costs_one_call_in_a_second(silent):
    client = rq_queues.connect_quick(silent)
    began = time.monotonic()
    for _ in range(20):
        with pytest.raises(RedisError):
            client.get("anything")
    assert time.monotonic() - began < 0.9


def test_a_token_of_wechat_is_kept_by_the_process_that_fetched_it(world, alone):
    """Every process of its own, while none can share: WeChat is not asked at each call."""
    tokens = alone.extensions["mall_login_gateway"]._wxa._client.session
    tokens.set("some_access_token", "abc", 60)
    assert tokens.get("some_access_token") == "abc"
    tokens.set("over", "abc", 0)
    assert tokens.get("over") is None
    tokens.delete("some_access_token")
    assert tokens.get("some_access_token") is None


def test_workers_look_into_the_database_themselves(world, alone, monkeypatch):
    monkeypatch.setattr(stand_in, "PROBE_SECONDS", 0.1)
    member = new_member(world, beans_fen=1000)
    buyer = Person(alone, member.token, member.id)
    placed = buyer.post("/v1/store/orders", order_body([new_sku(world, 1000)[1]], "beans", 1000))
    assert placed.status_code == 201
    execute_sql(world, "UPDATE outbox_delivery SET due_at = now() - interval '1 s'")
    swept = []
    monkeypatch.setattr(
        "mall.shell.wiring.SWEEPS",
        [(lambda: swept.append("mine"), 0, "fulfillment"), (swept.append, 0, "bulk")],
    )

    def is_done():
        left = select_rows(world, "SELECT 1 FROM outbox_delivery WHERE state <> 'done'")
        return not left and bool(swept)

    beats = []
    StandIn(alone, ["payments", "fulfillment"], Stop()).work(is_done, lambda: beats.append(1))
    assert count_rows(world, "fulfillment_order") == 1
    assert set(swept) == {"mine"}
    assert beats
    assert findings_of(world) == {}


def test_a_worker_ends_where_valkey_fails_and_another_takes_over(world, alone, monkeypatch):
    """One that took orders from Valkey alone would sit and wait for it, for a minute at a time."""
    stop, stood_in = Stop(), []

    class Noted(StandIn):
        def work(self, is_back, beat):
            stood_in.append(is_back())
            stop._event.set()

    monkeypatch.setattr(worker, "StandIn", Noted)
    monkeypatch.setattr(worker.MallWorker, "connection_timeout", 1)
    worker.work_until_stopped(alone, ["bulk"], stop, Pulse())
    assert stood_in == [False]


def test_a_worker_that_is_told_to_stop_says_good_bye_in_a_moment(world, alone):
    connection = rq_queues.connect_worker(world.app.extensions["mall_settings"].redis_url)
    ours = worker.MallWorker(["bulk"], connection, alone)
    began = time.monotonic()
    ours.teardown()
    assert time.monotonic() - began < 2
    with pytest.raises(StopRequested):
        ours._wake()
