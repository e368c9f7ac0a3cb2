"""Real workers, killed; a real Valkey, wiped; a real web server, shot between commit and enqueue.

In each case every paid order has exactly its fulfillment orders within 15 s of recovery.
"""

import os
import signal
import time

import psutil
import pytest
import requests
from redis import Redis
from sqlalchemy import text

from mall.kernel import queue as rq_queues
from mall.kernel.uow import unit_of_work
from mall.shell.background import relay
from mall.shell.serving.ports import free_port
from tests.races.test_last_units import together
from tests.support.database import execute_sql, findings_of, select_rows
from tests.support.people import new_member, order_body
from tests.support.processes import answers, is_alive, kill_all, wait_until
from tests.support.shop import new_sku
from tests.support.working import in_another_thread, run_outbox

RECOVERY_SECONDS = 15


@pytest.fixture
def shop(world):
    """A member rich enough, and two SKUs of two suppliers: each order has two parts."""
    skus = [new_sku(world, 100, 1000)[1] for _ in range(2)]
    return new_member(world, beans_fen=1_000_000), order_body(skus, "beans", 200)


def place(shop, count=1):
    member, body = shop
    for _ in range(count):
        assert member.post("/v1/store/orders", body).status_code == 201


def parts(world):
    """Return how many orders have how many parts."""
    rows = select_rows(
        world,
        "SELECT n, count(*) AS orders FROM (SELECT o.id, count(f.id) AS n FROM shop_order o"
        " LEFT JOIN fulfillment_order f ON f.order_id = o.id GROUP BY o.id) x GROUP BY n",
    )
    return {row.n: row.orders for row in rows}


def test_a_worker_killed_in_mid_job_loses_and_repeats_nothing(world, shop, start, audited):
    """Case 34."""
    worker = start("worker", "--processes", "1")
    start("scheduler")
    with world.app.app_context(), unit_of_work() as uow:
        # The job's own insert waits for this lock: it is in the middle, with work done.
        uow.session.execute(text("LOCK TABLE fulfillment_line IN EXCLUSIVE MODE"))
        in_another_thread(lambda: place(shop))
        waits = (
            "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%split%'"
        )
        wait_until(lambda: in_another_thread(lambda: select_rows(world, waits)), RECOVERY_SECONDS)
        kill_all(worker)
    assert parts(world) == {0: 1}
    start("worker", "--processes", "1")
    wait_until(lambda: parts(world) == {2: 1}, RECOVERY_SECONDS)
    audited()


def test_a_wiped_valkey_forgets_nothing(world, shop, start, redis_url, audited):
    """Case 34: a hundred events are pending when Valkey is flushed."""
    place(shop, 100)
    valkey = Redis.from_url(redis_url)
    queue = rq_queues.queue("fulfillment", valkey)
    wait_until(lambda: sum(len(job.args[0]) for job in queue.get_jobs()) >= 100, RECOVERY_SECONDS)
    valkey.flushall()
    start("scheduler")
    start("worker", "--processes", "2")
    wait_until(lambda: parts(world) == {2: 100}, RECOVERY_SECONDS)
    audited()


def test_a_web_server_shot_between_commit_and_enqueue_loses_nothing(
    world, shop, start, redis_url, audited
):
    """Case 34."""
    port = free_port(24000 + os.getpid() % 5000)
    web = start("serve", "--port", str(port), "--workers", "1")
    base = f"http://127.0.0.1:{port}"
    wait_until(lambda: answers(f"{base}/healthz"), 30)
    member, body = shop
    headers = {"Authorization": f"Bearer {member.token}", "Idempotency-Key": "shot"}
    family = [*psutil.Process(web.pid).children(recursive=True), psutil.Process(web.pid)]
    reply = requests.post(f"{base}/v1/store/orders", json=body, headers=headers, timeout=10)
    for process in family:
        process.send_signal(signal.SIGKILL)
    assert reply.status_code == 201
    [delivery] = select_rows(world, "SELECT id FROM outbox_delivery")
    jobs = rq_queues.queue("fulfillment", Redis.from_url(redis_url)).get_jobs()
    assert str(delivery.id) not in {each for job in jobs for each in job.args[0]}
    assert parts(world) == {0: 1}
    start("scheduler")
    start("worker", "--processes", "1")
    wait_until(lambda: parts(world) == {2: 1}, RECOVERY_SECONDS)
    audited()


def test_a_job_that_runs_twice_does_its_work_once(world, shop, audited):
    """Case 34."""
    place(shop, 5)
    ids = [str(row.id) for row in select_rows(world, "SELECT id FROM outbox_delivery")]
    with world.app.app_context():
        assert relay.deliver(ids) == 5
        assert relay.deliver(ids) == 0
    assert parts(world) == {2: 5}
    audited()


def test_a_job_that_runs_in_eight_workers_at_once_does_its_work_once(world, shop, audited):
    """Case 34."""
    place(shop, 10)
    ids = [str(row.id) for row in select_rows(world, "SELECT id FROM outbox_delivery ORDER BY id")]

    def deliver(number):
        with world.app.app_context():
            return relay.deliver(ids if number % 2 else ids[::-1])

    assert sum(together(8, deliver)) == 10
    assert parts(world) == {2: 10}
    audited()


def test_a_job_whose_order_was_already_split_by_hand_adds_nothing(world, shop, audited):
    """Case 34: the message comes again, under another delivery."""
    place(shop)
    run_outbox(world)
    execute_sql(world, "UPDATE outbox_delivery SET state = 'pending'")
    assert run_outbox(world) == 1
    assert parts(world) == {2: 1}
    audited()


def test_a_reaction_that_fails_is_put_off_and_at_last_parked(world, shop, monkeypatch):
    place(shop, 2)

    def fail(uow, messages):
        raise RuntimeError("no")

    [reaction] = relay.registry.reactions_to("OrderPaid")
    monkeypatch.setitem(relay.registry._by_name, reaction.name, reaction.__class__(fail))
    for attempt in range(1, 9):
        assert run_outbox(world) == 0
        rows = select_rows(world, "SELECT attempts, state, last_error FROM outbox_delivery")
        state = "parked" if attempt == 8 else "pending"
        assert [tuple(row) for row in rows] == [(attempt, state, "RuntimeError: no")] * 2
    findings = findings_of(world)
    assert findings["nothing_parked"] == 2
    assert findings["paid_orders_fulfilled_once"] == 4


def test_one_reaction_that_fails_does_not_hold_up_the_others(world, shop, monkeypatch, audited):
    place(shop, 3)
    [bad, *_] = [row.id for row in select_rows(world, "SELECT id FROM outbox_delivery ORDER BY id")]
    execute_sql(
        world, 'UPDATE outbox_delivery SET payload = \'{"order_id": "x"}\' WHERE id = :id', id=bad
    )
    assert run_outbox(world) == 2
    assert parts(world) == {0: 1, 2: 2}


def test_workers_go_when_the_pool_that_started_them_was_killed(start, world):
    pool = start("worker", "--processes", "2")
    root = psutil.Process(pool.pid)
    wait_until(lambda: len(root.children(recursive=True)) == 2, RECOVERY_SECONDS)
    workers = root.children(recursive=True)
    time.sleep(2)
    root.kill()
    pool.wait(10)
    wait_until(lambda: not any(map(is_alive, workers)), RECOVERY_SECONDS)
