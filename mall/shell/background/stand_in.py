"""What a worker does while Valkey is away: look into the database itself (docs/adr/0040).

Deliveries whose lease is over, and the sweeps of its queues, run in its own process, within the same
time limits as jobs. All of them may run twice (docs/adr/0003), so several workers need no turns.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from uuid import UUID

import structlog
from flask import Flask
from rq.timeouts import JobTimeoutException, UnixSignalDeathPenalty

from mall.kernel import queue as rq_queues
from mall.shell import wiring
from mall.shell.background import relay
from mall.shell.serving.stopping import Stop

log = structlog.get_logger(__name__)
PAUSE_SECONDS, PROBE_SECONDS = 0.5, 2.0


class StandIn:
    """Works off the outbox and the sweeps of some queues without Valkey."""

    def __init__(self, app: Flask, queues: Sequence[str], stop: Stop) -> None:
        self._app, self._queues, self._stop = app, queues, stop
        now = time.monotonic()
        # Valkey was there a moment ago: each sweep ran within its interval.
        self._due = {
            function: now + seconds
            for function, seconds, queue in wiring.SWEEPS
            if queue in queues and function is not relay.sweep
        }
        self._sweeps = {function: (seconds, queue) for function, seconds, queue in wiring.SWEEPS}

    def work(self, is_back: Callable[[], bool], beat: Callable[[], None]) -> None:
        """Work until Valkey is back, or told to stop."""
        log.warning("worker_without_valkey", queues=list(self._queues))
        probe_at = 0.0
        while not self._stop.wait(PAUSE_SECONDS):
            beat()
            if time.monotonic() >= probe_at:
                if is_back():
                    log.warning("worker_has_valkey_again")
                    return
                probe_at = time.monotonic() + PROBE_SECONDS
            self._within(self.deliver)
            self._within(self.sweep)

    def _within(self, act: Callable[[], object]) -> None:
        try:
            with self._app.app_context():
                act()
        except Exception:
            # Without its database, too, a worker waits for better times.
            log.exception("stand_in_failed")

    def deliver(self) -> int:
        """Run deliveries whose lease is over; return how many were done."""
        by_queue: dict[str, list[UUID]] = defaultdict(list)
        for queue, delivery_id in relay.claim_due(list(self._queues)):
            by_queue[queue].append(delivery_id)
        done = 0
        for queue, ids in by_queue.items():
            size = rq_queues.QUEUES[queue].batch
            for start in range(0, len(ids), size):
                done += self._deliver(queue, ids[start : start + size])
        return done

    def _deliver(self, queue: str, ids: list[UUID]) -> int:
        try:
            with _limited(queue):
                return relay.deliver_now(ids)
        except relay.DeliveriesTooSlow:
            return sum(self._deliver_one(queue, each) for each in ids)

    def _deliver_one(self, queue: str, delivery_id: UUID) -> int:
        with _limited(queue):
            return relay.deliver_now([delivery_id])

    def sweep(self) -> None:
        """Run the sweeps that are due."""
        for function, due in self._due.items():
            if self._stop.is_asked or time.monotonic() < due:
                continue
            seconds, queue = self._sweeps[function]
            self._due[function] = time.monotonic() + seconds
            with _limited(queue):
                function()


def _limited(queue: str) -> UnixSignalDeathPenalty:
    """Return what ends a piece of work at its queue's limit, as RQ ends jobs."""
    return UnixSignalDeathPenalty(rq_queues.QUEUES[queue].seconds, JobTimeoutException)
