"""Figures of the worker side: how soon a paid order is split, and whether workers keep up."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import psutil
from redis import Redis
from sqlalchemy import text

from bench import load
from bench.figures import Bench, Figure, order_two_lines
from mall.kernel.uow import reading

RATE, SECONDS, CLIENTS = 50, 20, 8
LIMIT_SECONDS = 120
# By primary keys alone, and of the last seconds alone: looking must not slow down what is looked at.
_SEEN = text(
    """
    SELECT o.id, o.paid_at FROM fulfillment_order f JOIN shop_order o ON o.id = f.order_id
    WHERE f.id > :since AND o.paid_at > :began
    """
)
LOOK_BACK_SECONDS, LOOK_SECONDS = 3, 0.02
_WAITING = text(
    "SELECT count(*) FROM outbox_delivery WHERE state = 'pending' AND queue = 'fulfillment'"
)


class _Watch:
    """Looks at the database every few milliseconds and notes when it sees an order's parts."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.lags: dict[object, float] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self) -> None:
        began = datetime.now(UTC)
        while not self._ended.wait(LOOK_SECONDS):
            # Ids begin with the time at which they were made, in milliseconds.
            made_at = int(1000 * (time.time() - LOOK_BACK_SECONDS))
            values = {"since": UUID(int=made_at << 80), "began": began}
            with self.bench.app.app_context(), reading() as session:
                rows = session.execute(_SEEN, values).all()
                now = time.time()
            for order_id, paid_at in rows:
                self.lags.setdefault(order_id, now - paid_at.timestamp())

    def end(self) -> list[float]:
        self._ended.set()
        self._thread.join(10)
        return sorted(self.lags.values())


def paid_to_parts(bench: Bench) -> Iterator[Figure]:
    """From an order's payment to its fulfillment orders, seen from outside, at 50 orders a second."""
    _drained(bench)
    watch = _Watch(bench)
    time.sleep(0.5)
    began = time.perf_counter()
    sent = 0

    def paced() -> bytes:
        nonlocal sent
        sent += 1
        time.sleep(max(0.0, began + sent / RATE - time.perf_counter()))
        return order_two_lines(bench)

    outcome = load.run(bench.base, CLIENTS, SECONDS, paced)
    placed = outcome.statuses[201]
    ends = time.monotonic() + 20
    while len(watch.lags) < placed and time.monotonic() < ends:
        time.sleep(0.05)
    lags = watch.end()
    if not placed or len(lags) < placed:
        raise RuntimeError(f"{placed} placed, {len(lags)} split: {outcome.statuses}")
    p50, p95, p99 = (
        round(1000 * lags[min(len(lags) - 1, len(lags) * share // 100)], 1)
        for share in (50, 95, 99)
    )
    yield Figure(
        "paid_to_parts",
        round(placed / outcome.seconds, 1),
        "orders/s",
        clients=CLIENTS,
        p50_ms=p50,
        p95_ms=p95,
        p99_ms=p99,
        goal="p95 ≤ 1000 ms",
        met=p95 <= 1000,
    )


@contextmanager
def _paused(bench: Bench) -> Iterator[None]:
    """Keep the service's own workers from working."""
    workers = bench.service.workers()
    for each in workers:
        each.suspend()
    # What is handed to a sleeper would be lost to it: nobody may wait for a job in its name.
    connection = Redis.from_url(bench.service.state()["environment"]["REDIS_URL"])
    for client in connection.client_list():
        if "b" in client["flags"]:
            connection.client_kill_filter(_id=client["id"])
    try:
        yield
    finally:
        for each in workers:
            each.resume()


def _waiting(bench: Bench) -> int:
    with bench.app.app_context(), reading() as session:
        return int(session.execute(_WAITING).scalar() or 0)


def _drained(bench: Bench) -> None:
    """Wait until nothing is left of what an earlier figure ordered."""
    ends = time.monotonic() + LIMIT_SECONDS
    while _waiting(bench) and time.monotonic() < ends:
        time.sleep(0.2)


def keeping_up(bench: Bench) -> Iterator[Figure]:
    """Orders placed while no worker works, then worked off by one process, and by four.

    Door and workers each have the machine to themselves: the ratio is of what each can do at most.
    """
    for processes in (1, 4):
        _drained(bench)
        with _paused(bench):
            door = load.run(bench.base, CLIENTS, bench.seconds, lambda: order_two_lines(bench))
            waiting = _waiting(bench)
            if waiting < door.statuses[201]:
                raise RuntimeError(f"{waiting} wait of {door.statuses}")
            took = _work_off(bench, processes)
        rate = waiting / took
        ratio = rate / door.per_second
        yield Figure(
            f"worker_{processes}_process{'' if processes == 1 else 'es'}",
            round(rate, 1),
            "orders/s split",
            yardstick=round(door.per_second, 1),
            ratio=round(ratio, 3),
            goal="ratio ≥ 1.0",
            met=ratio >= 1,
        )


def _work_off(bench: Bench, processes: int) -> float:
    """Start a worker, wait until nothing waits, and return the seconds since its first split."""
    environment = {**os.environ, **bench.service.state()["environment"], "MALL_LOG_LEVEL": "ERROR"}
    program = str(Path(sys.executable).with_name("mall"))
    arguments = ["--processes", str(processes), "--queues", "fulfillment"]
    before = _waiting(bench)
    process = subprocess.Popen(
        [program, "worker", *arguments], env=environment, start_new_session=True
    )
    try:
        began, ends = None, time.monotonic() + LIMIT_SECONDS
        while (left := _waiting(bench)) > 0:
            if began is None and left < before:
                # Starting a program is not working: the clock runs from the first batch done.
                began = time.monotonic()
            if time.monotonic() > ends:
                raise TimeoutError(f"{left} of {before} still wait")
            time.sleep(0.02)
        return time.monotonic() - (began or time.monotonic() - 0.02)
    finally:
        family = psutil.Process(process.pid).children(recursive=True)
        process.terminate()
        process.wait(30)
        psutil.wait_procs(family, timeout=10)


FIGURES = {"paid_to_parts": paid_to_parts, "worker_keeps_up": keeping_up}
