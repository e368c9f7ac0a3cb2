"""Alive, ready, counted and logged."""

import json
import os
import subprocess
import threading
import time

import pytest
import requests
from rq import Worker

from mall.kernel import queue as rq_queues
from mall.shell.app import create_app
from mall.shell.checks import readiness
from mall.shell.checks.surroundings import Look, Seen, Surroundings
from mall.shell.config import load
from mall.shell.serving.internal import IS_INTERNAL
from mall.shell.serving.ports import free_port
from mall.web import observe
from tests.support.database import cut_database_connections
from tests.support.people import Person, new_member, order_body
from tests.support.processes import MALL, answers, wait_until
from tests.support.shop import new_sku


def ready(world):
    """Return the status of /readyz, its checks and its warnings, all looked at anew."""
    world.app.extensions["mall_surroundings"].forget()
    reply = Person(world.app).get("/readyz")
    found = reply.get_json()
    return reply.status_code, found["checks"], found["warnings"]


@pytest.fixture
def a_worker(world):
    """A worker that has said that it is there."""
    connection = world.app.extensions["mall_redis"]
    worker = Worker(list(rq_queues.QUEUES), connection=connection)
    worker.register_birth()
    yield
    worker.register_death()


@pytest.fixture
def elsewhere(environment):
    """Return a function that makes an application with some settings changed."""
    made = []

    def make(**changed):
        app = create_app(load(environment | changed))
        made.append(app)
        return app

    yield make
    for app in made:
        with app.app_context():
            app.extensions["mall_pool"].close()
            app.extensions["sqlalchemy"].engine.dispose()


def test_ready_with_the_database_and_a_schema_alone(world, a_worker):
    status, checks, warnings = ready(world)
    assert (status, checks) == (200, {"database": "ok", "schema": "ok"})
    assert "workers" not in warnings


def test_a_web_process_stays_where_others_are_missing_and_warns_of_them(world, elsewhere):
    assert ready(world)[2]["workers"].startswith("nobody serves payments, fulfillment")
    app = elsewhere(REDIS_URL="redis://127.0.0.1:9/0")
    reply = app.test_client().get("/readyz")
    assert reply.status_code == 200
    assert reply.get_json()["warnings"]["workers"].startswith("Valkey: ConnectionError")


def test_not_ready_without_the_database_and_metrics_answer_all_the_same(world, elsewhere):
    app = elsewhere(DATABASE_URL="postgresql://127.0.0.1:9/mall")
    client = app.test_client()
    reply = client.get("/readyz")
    assert (reply.status_code, reply.get_json()["status"]) == (503, "failed")
    assert reply.get_json()["checks"]["database"].startswith("failed")
    text = client.get("/metrics").data.decode()
    assert 'mall_surroundings_ok{what="outbox"} 0.0' in text
    assert "mall_http_requests_total" in text
    assert client.get("/livez").status_code == 200


@pytest.mark.parametrize(
    ("version", "remark", "said"),
    [
        ("0044", None, "ok"),
        ("0043", None, "failed: at 0043, needs 0044"),
        ("0050", None, "ok: at 0050, newer than 0044"),
        ("0050", "serves from 0044", "ok: at 0050, newer than 0044"),
        ("0050", "serves from 0045", "failed: at 0050, which serves releases from 0045 on"),
        ("0050", "what somebody remarked", "ok: at 0050, newer than 0044"),
    ],
)
def test_a_newer_schema_will_do_unless_it_took_away_what_is_needed(version, remark, said):
    assert readiness.schema_state(version, remark, "0044").startswith(said)


def test_not_ready_behind_a_migration(world, monkeypatch):
    monkeypatch.setattr(readiness, "HEAD", "9999")
    status, checks, _ = ready(world)
    at = readiness.newest_migration()
    assert (status, checks["schema"]) == (503, f"failed: at {at}, needs 9999")


def test_whoever_asks_waits_a_moment_only_and_one_thread_looks(world):
    goes_on, looked = threading.Event(), []

    def see():
        looked.append(1)
        goes_on.wait(30)
        return Seen("it was slow")

    around = Surroundings(world.app, (Look("slow", see),))
    began = time.monotonic()
    assert [around.latest() for _ in range(2)] == [{}, {}]
    assert time.monotonic() - began < 5
    goes_on.set()
    wait_until(lambda: around.warnings() == {"slow": "it was slow"})
    assert len(looked) == 1


def test_a_look_that_fails_is_a_warning_that_quotes_nothing(world):
    def see():
        raise ValueError("湛江市赤坎区跃进路 1 号")

    assert Surroundings(world.app, (Look("odd", see),)).warnings() == {"odd": "failed: ValueError"}


def test_alive_even_when_nothing_else_is(world):
    for path in ("/livez", "/healthz"):
        assert Person(world.app).get(path).get_json() == {"status": "ok"}


def test_outside_of_development_documents_and_metrics_are_not_for_everybody(world, elsewhere):
    app = elsewhere(MALL_PUBLIC_DOCS="0")
    client = app.test_client()
    for path in ("/", "/docs", "/openapi.json", "/docs/assets/swagger-ui.css"):
        assert client.get(path).status_code == 404
        inside = client.get(path, environ_overrides={IS_INTERNAL: True})
        assert inside.status_code in (200, 302)
    assert not observe._may_read_metrics("", trusts_machine=False)


def test_metrics_count_requests_and_what_waits(world):
    member = new_member(world, beans_fen=1000)
    member.post("/v1/store/orders", order_body([new_sku(world, 1000)[1]], "beans", 1000))
    world.app.extensions["mall_surroundings"].forget()
    text = Person(world.app).get("/metrics").data.decode()
    assert 'mall_outbox_waiting{queue="fulfillment",state="pending"} 1.0' in text
    assert 'route="/v1/store/orders",status="201"' in text
    assert "mall_http_request_seconds_bucket" in text


def test_a_served_process_logs_json_masks_phones_and_listens_internally(environment, tmp_path):
    """Case 41: a phone number never reaches the log."""
    port, internal = free_port(27000 + os.getpid() % 2000), free_port(29000)
    log = tmp_path / "serve.log"
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [
                MALL,
                "serve",
                "--port",
                str(port),
                "--internal-port",
                str(internal),
                "--workers",
                "1",
            ],
            env={**os.environ, **environment, "MALL_LOG_LEVEL": "INFO", "TMPDIR": str(tmp_path)},
            stdout=stream,
            stderr=stream,
        )
    try:
        base, inside = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{internal}"
        wait_until(lambda: answers(f"{base}/livez") and answers(f"{inside}/livez"), 60)
        headers = {"X-Request-Id": "trace-me-13912345678"}
        requests.get(f"{base}/v1/store/13912345678", headers=headers, timeout=5)
        for path in ("/readyz", "/docs", "/openapi.json"):
            assert answers(f"{inside}{path}")
        assert 'status="404"' in requests.get(f"{inside}/metrics", timeout=5).text
        # Nothing of the API is there.
        assert not answers(f"{inside}/v1/store/products")
        assert [each.name[:13] for each in tmp_path.iterdir() if each.is_dir()] == ["mall-metrics-"]
    finally:
        process.terminate()
        process.wait(20)
    # Its folder is gone with it.
    assert [each.name for each in tmp_path.iterdir()] == ["serve.log"]
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
