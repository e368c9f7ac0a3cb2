"""Alive, ready, counted and logged."""

import json
import os
import subprocess

import pytest
import requests
from rq import Worker

from mall.kernel import queue as rq_queues
from mall.shell import health
from mall.shell.serving.ports import free_port
from tests.support.database import cut_database_connections
from tests.support.people import Person, new_member, order_body
from tests.support.processes import MALL, answers, wait_until
from tests.support.shop import new_sku


def checks(world):
    reply = Person(world.app).get("/readyz")
    return reply.status_code, reply.get_json()["checks"]


@pytest.fixture
def a_worker(world):
    """A worker that has said that it is there."""
    connection = world.app.extensions["mall_redis"]
    worker = Worker(list(rq_queues.QUEUES), connection=connection)
    worker.register_birth()
    yield
    worker.register_death()


def test_ready_when_everything_is_there(world, a_worker):
    assert checks(world) == (
        200,
        {
            "database": "ok",
            "migrations": "ok",
            "index": "ok: the database answers until the index is built",
            "valkey": "ok",
            "workers": "ok: 1",
        },
    )


def test_not_ready_without_workers(world):
    status, found = checks(world)
    assert (status, found["workers"]) == (503, "failed: none seen")


def test_not_ready_behind_a_migration(world, a_worker, monkeypatch):
    monkeypatch.setattr(health, "_HEAD", "9999")
    status, found = checks(world)
    at = health.newest_migration()
    assert (status, found["migrations"]) == (503, f"failed: at {at}, needs 9999")


def test_alive_even_when_nothing_else_is(world):
    assert Person(world.app).get("/healthz").get_json() == {"status": "ok"}


def test_metrics_count_requests_and_what_waits(world):
    member = new_member(world, beans_fen=1000)
    member.post("/v1/store/orders", order_body([new_sku(world, 1000)[1]], "beans", 1000))
    text = Person(world.app).get("/metrics").data.decode()
    assert 'mall_outbox_waiting{queue="fulfillment",state="pending"} 1.0' in text
    assert 'route="/v1/store/orders",status="201"' in text
    assert "mall_http_request_seconds_bucket" in text


def test_a_served_process_logs_json_with_request_ids_and_masks_phones(environment, tmp_path):
    """Case 41: a phone number never reaches the log."""
    port = free_port(27000 + os.getpid() % 2000)
    log = tmp_path / "serve.log"
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [MALL, "serve", "--port", str(port), "--workers", "1"],
            env={**os.environ, **environment, "MALL_LOG_LEVEL": "INFO"},
            stdout=stream,
            stderr=stream,
        )
    try:
        base = f"http://127.0.0.1:{port}"
        wait_until(lambda: answers(f"{base}/healthz"), 30)
        headers = {"X-Request-Id": "trace-me-13912345678"}
        requests.get(f"{base}/v1/store/13912345678", headers=headers, timeout=5)
    finally:
        process.terminate()
        process.wait(20)
    lines = [line for line in log.read_text(encoding="utf-8").splitlines() if "trace-me" in line]
    [entry] = [json.loads(line) for line in lines]
    assert (entry["status"], entry["path"]) == (404, "/v1/store/139****5678")
    assert "13912345678" not in log.read_text(encoding="utf-8")


def test_a_database_that_was_restarted_costs_nobody_an_error(world):
    member = new_member(world, beans_fen=1000)
    _, sku = new_sku(world, 1000)
    cut_database_connections(world)
    assert member.get("/v1/store/me").status_code == 200
    cut_database_connections(world)
    placed = member.post("/v1/store/orders", order_body([sku], "beans", 1000))
    assert placed.status_code == 201
