"""Workers that stop, hang or are forgotten; schedulers of which one is at work (docs/adr/0021)."""

import signal
import subprocess
import time

import pytest
from click.testing import CliRunner
from sqlalchemy import text

from mall.kernel import outbox
from mall.kernel import queue as rq_queues
from mall.kernel.uow import unit_of_work
from mall.shell import cli
from mall.shell.background import relay
from mall.shell.background.worker import LIFE_SECONDS, MallWorker
from tests.support.database import execute_sql, select_rows
from tests.support.people import new_member, order_body
from tests.support.processes import wait_until
from tests.support.shop import new_sku
from tests.support.working import in_another_thread

SECONDS = 20


@pytest.fixture
def place(world):
    """Place an order paid by beans, as often as asked; return the ids of what then waits."""
    # A doorbell of this test's own: one that rang in vain for another test rests for a while.
    outbox.set_doorbell(relay.Doorbell(world.app.extensions["mall_redis"]).ring)
    member, body = (
        new_member(world, beans_fen=100_000),
        order_body([new_sku(world, 100, 1000)[1]], "beans", 100),
    )

    def place(count):
        for _ in range(count):
            assert member.post("/v1/store/orders", body).status_code == 201
        return [row.id for row in select_rows(world, "SELECT id FROM outbox_delivery ORDER BY id")]

    return place


@pytest.fixture
def work(world):
    """Let a worker of this process do what waits in a queue, then end."""

    def work(queue):
        connection = rq_queues.connect_worker(world.app.extensions["mall_settings"].redis_url)
        MallWorker([queue], connection, world.app).work(burst=True, logging_level="WARNING")

    return work


def test_a_stop_lets_the_current_job_end(world, start, place):
    with world.app.app_context(), unit_of_work() as uow:
        # The job's own insert waits for this lock: it is in the middle, with work done.
        uow.session.execute(text("LOCK TABLE fulfillment_line IN EXCLUSIVE MODE"))
        in_another_thread(lambda: place(1))
        process = start("worker", "--processes", "1", "--queues", "fulfillment")
        waits = (
            "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'fulfillment_line'::regclass"
        )
        wait_until(lambda: in_another_thread(lambda: select_rows(world, waits)), SECONDS)
        process.send_signal(signal.SIGTERM)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)
    assert process.wait(SECONDS) == 0
    assert [row.state for row in select_rows(world, "SELECT state FROM outbox_delivery")] == [
        "done"
    ]


def test_what_hangs_ends_at_its_limit_and_takes_nothing_along(world, place, work, monkeypatch):
    limits = {**rq_queues.QUEUES, "fulfillment": rq_queues.Limits(1, 200)}
    monkeypatch.setattr(rq_queues, "QUEUES", limits)
    placed = place(3)
    hanging = placed[0]
    assert len(placed) == 3
    execute_sql(
        world,
        'UPDATE outbox_delivery SET payload = \'{"order_id": "hangs"}\' WHERE id = :id',
        id=hanging,
    )
    [reaction] = relay.registry.reactions_to("OrderPaid")

    def hang(uow, messages):
        if any(message.order_id == "hangs" for message in messages):
            time.sleep(20)
        reaction.handle(uow, messages)

    monkeypatch.setitem(relay.registry._by_name, reaction.name, reaction.__class__(hang))
    queue = rq_queues.queue("fulfillment", world.app.extensions["mall_redis"])

    def waiting():
        return {each for job in queue.get_jobs() for each in job.args[0]}

    # A doorbell of the test before may still bring what it gathered: nobody knows those any more.
    wait_until(lambda: set(map(str, placed)) <= waiting(), SECONDS)
    work("fulfillment")
    rows = select_rows(
        world, "SELECT id, state, attempts, last_error FROM outbox_delivery ORDER BY id"
    )
    assert [row.state for row in rows] == ["pending", "done", "done"]
    assert (rows[0].id, rows[0].attempts) == (hanging, 1)
    assert rows[0].last_error.startswith("JobTimeoutException")


def test_a_worker_says_that_it_lives_and_what_it_does(world):
    connection = world.app.extensions["mall_redis"]
    ours = MallWorker(["bulk"], connection, world.app)
    ours.register_birth()
    ours.say_alive()
    assert 0 < connection.ttl(ours.key) <= LIFE_SECONDS
    job = rq_queues.queue("bulk", connection).enqueue(time.time)
    assert rq_queues.load("bulk", connection).started == 0
    ours.prepare_execution(job)
    ours.say_alive()
    assert rq_queues.load("bulk", connection).started == 1
    assert rq_queues.count_workers(connection) == 1


def test_a_worker_that_a_wiped_valkey_forgot_says_so_anew(world):
    connection = world.app.extensions["mall_redis"]
    ours = MallWorker(["bulk"], connection, world.app)
    ours.register_birth()
    connection.flushdb()
    assert rq_queues.count_workers(connection) == 0
    ours.say_alive()
    assert rq_queues.count_workers(connection) == 1


def test_a_worker_serves_only_the_queues_it_was_given(world, start, place):
    place(1)
    process = start("worker", "--processes", "1", "--queues", "notify,bulk")
    connection = world.app.extensions["mall_redis"]
    wait_until(lambda: rq_queues.count_workers(connection) == 1, SECONDS)
    time.sleep(1)
    assert [row.state for row in select_rows(world, "SELECT state FROM outbox_delivery")] == [
        "pending"
    ]
    assert process.poll() is None


def test_a_queue_that_is_none_is_refused():
    done = CliRunner().invoke(cli.main, ["worker", "--queues", "fulfilment"])
    assert (done.exit_code, "fulfilment" in done.stderr) == (2, True)


def leaders(world):
    """Return the names of the sessions that hold a scheduler's lock."""
    return [
        row.application_name
        for row in select_rows(
            world,
            "SELECT a.application_name FROM pg_locks l JOIN pg_stat_activity a USING (pid)"
            " WHERE l.locktype = 'advisory' AND l.granted AND a.datname = current_database()"
            " AND a.application_name LIKE 'mall scheduler %'",
        )
    ]


def test_of_three_schedulers_one_is_at_work_and_another_takes_over(world, start):
    running = {
        f"mall scheduler {each.pid}": each for each in [start("scheduler") for _ in range(3)]
    }
    connection = world.app.extensions["mall_redis"]
    wait_until(lambda: leaders(world), SECONDS)
    wait_until(lambda: connection.zcard("rq:cron_schedulers") == 1, SECONDS)
    while running:
        [leader] = leaders(world)
        ended = running.pop(leader)
        ended.send_signal(signal.SIGKILL if len(running) == 2 else signal.SIGTERM)
        ended.wait(10)
        if running:
            wait_until(lambda gone=leader: leaders(world) not in ([], [gone]), SECONDS)
            assert len(leaders(world)) == 1
    assert leaders(world) == []
