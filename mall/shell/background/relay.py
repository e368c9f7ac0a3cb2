"""Committed messages become RQ jobs: at once by the doorbell, surely by the sweep."""

import queue
import threading
import time
from collections import defaultdict
from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog
from flask import current_app
from prometheus_client import Counter
from redis import Redis
from redis.exceptions import RedisError
from rq import Queue, get_current_job
from rq.timeouts import JobTimeoutException
from sqlalchemy import select, update

from mall.kernel import outbox
from mall.kernel import queue as rq_queues
from mall.kernel.db import delete_some
from mall.kernel.ids import first_id
from mall.kernel.invariants import Invariant, Whole
from mall.kernel.outbox import PARKED, PENDING, OutboxDelivery, registry
from mall.kernel.together import DeferredWrite, Read, WriteFragment, array, read_together
from mall.kernel.uow import unit_of_work
from mall.web import idempotency

log = structlog.get_logger(__name__)

# How long the doorbell gathers: one job for many deliveries costs a tenth of a job for each.
GATHER_SECONDS, MAX_GATHERED = 0.2, 1000
SWEEP_LIMIT = 500
KEEP_DONE = timedelta(days=30)
# How long what this release does not know is left to a newer one; then it counts as failed.
PATIENCE = timedelta(hours=1)
DELIVERED = Counter("mall_outbox_delivered_total", "Deliveries by outcome", ["outcome"])


_CLAIM = """
    SELECT id, topic, payload, handler,
           created_at > now() - make_interval(secs => :patience_seconds) AS is_young
    FROM outbox_delivery
    WHERE id = ANY(CAST(:claimed_ids AS uuid[])) AND state = 'pending'
    ORDER BY id FOR UPDATE SKIP LOCKED
    """
_COMPLETE = WriteFragment(
    "relay",
    """
    completed AS (
        UPDATE outbox_delivery SET state = 'done', done_at = :completed_at
        WHERE id = ANY(CAST(:completed_ids AS uuid[]))
    )""",
)


class Doorbell:
    """Enqueues fresh deliveries from a thread of its own; whatever it loses, the sweep finds.

    Deliveries that arrive while it gathers, or talks to Valkey, travel together in one job.
    """

    MAX_WAITING = 10_000

    def __init__(self, connection: Redis) -> None:
        self._connection = connection
        self._waiting: queue.Queue[tuple[str, UUID]] = queue.Queue(self.MAX_WAITING)
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def ring(self, deliveries: list[tuple[str, UUID]]) -> None:
        """Take note of committed deliveries; never blocks and never fails."""
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                # Started late: a server that forks after loading must not lose the thread.
                self._thread = threading.Thread(target=self._run, name="doorbell", daemon=True)
                self._thread.start()
        for delivery in deliveries:
            # Full: let it fall. The sweep finds it when its lease is over.
            try:
                self._waiting.put_nowait(delivery)
            except queue.Full:
                return

    def _run(self) -> None:
        while True:
            batch = [self._waiting.get()]
            time.sleep(GATHER_SECONDS)
            while len(batch) < MAX_GATHERED:
                try:
                    batch.append(self._waiting.get_nowait())
                except queue.Empty:
                    break
            try:
                enqueue(self._connection, batch)
            except RedisError as error:
                log.warning("doorbell_unheard", error=str(error), deliveries=len(batch))


def enqueue(connection: Redis, deliveries: Iterable[tuple[str, UUID]]) -> None:
    """Enqueue deliveries, no more to a job than their queue allows."""
    by_queue: dict[str, list[str]] = defaultdict(list)
    for name, delivery_id in deliveries:
        by_queue[name].append(str(delivery_id))
    for name, ids in by_queue.items():
        size = rq_queues.QUEUES[name].batch
        for start in range(0, len(ids), size):
            _enqueue_job(rq_queues.queue(name, connection), ids[start : start + size])


def _enqueue_job(queue: Queue, delivery_ids: list[str]) -> None:
    queue.enqueue(deliver, delivery_ids, result_ttl=0, failure_ttl=3600)


def deliver(delivery_ids: list[str]) -> int:
    """Run the reactions of deliveries and return how many were done.

    The RQ entry point. A delivery that is done, parked, or being run elsewhere is left alone. All
    share one transaction; where one of them fails, each gets its own, and where they ran out of
    time, each gets a job and a time limit of its own.
    """
    try:
        return deliver_now([UUID(each) for each in delivery_ids])
    except DeliveriesTooSlow:
        return _each_alone(delivery_ids)


class DeliveriesTooSlow(Exception):
    """Deliveries that shared a job ran out of its time together; each alone may be in time."""


def deliver_now(ids: list[UUID]) -> int:
    """Run the reactions of deliveries, together or each by itself; return how many were done."""
    if len(ids) > 1:
        try:
            return _run_reactions(ids)
        except JobTimeoutException as error:
            log.warning("deliveries_too_slow", deliveries=len(ids))
            raise DeliveriesTooSlow() from error
        except Exception:
            log.info("deliveries_split", deliveries=len(ids))
    return sum(map(_deliver_one, ids))


def _each_alone(delivery_ids: list[str]) -> int:
    job = get_current_job()
    assert job is not None
    queue = rq_queues.queue(job.origin, current_app.extensions["mall_redis"])
    for each in delivery_ids:
        _enqueue_job(queue, [each])
    return 0


def _run_reactions(delivery_ids: list[UUID]) -> int:
    with unit_of_work() as uow:
        values = {
            "claimed_ids": array(delivery_ids),
            "patience_seconds": PATIENCE.total_seconds(),
        }
        [claimed] = read_together(uow.session, Read(_CLAIM, values, lambda rows: rows))
        rows = [row for row in claimed if not _is_for_a_newer_release(row)]
        # The effects and their completion commit together, or none does.
        waiting: dict[str, list[Any]] = defaultdict(list)
        for row in rows:
            waiting[row["handler"]].append(registry.message(row["topic"], row["payload"]))
        for handler, messages in waiting.items():
            # What the one before deferred is there for this one to see.
            uow.write_deferred()
            registry.reaction(handler).handle(uow, messages)
        completed = {"completed_ids": array([row["id"] for row in rows]), "completed_at": uow.now}
        uow.defer(DeferredWrite(_COMPLETE, completed))
    DELIVERED.labels("done").inc(len(rows))
    return len(rows)


def _is_for_a_newer_release(row: dict[str, Any]) -> bool:
    if registry.understands(row["topic"], row["payload"], row["handler"]) or not row["is_young"]:
        return False
    log.warning("delivery_unknown", topic=row["topic"], handler=row["handler"])
    return True


def _deliver_one(delivery_id: UUID) -> int:
    try:
        return _run_reactions([delivery_id])
    except Exception as error:
        DELIVERED.labels("failed").inc()
        log.exception("delivery_failed", delivery_id=str(delivery_id))
        _record_failure(delivery_id, error)
        return 0


def _record_failure(delivery_id: UUID, error: Exception) -> None:
    """Count the attempt and put the next one off; after the last, park it for an operator."""
    # A transaction of its own: that of the reaction is lost.
    with unit_of_work() as uow:
        row = uow.session.scalars(
            select(OutboxDelivery)
            .where(OutboxDelivery.id == delivery_id, OutboxDelivery.state == PENDING)
            .with_for_update()
        ).first()
        if row is None:
            return
        row.attempts += 1
        row.last_error = f"{type(error).__name__}: {error}"[: outbox.MAX_ERROR_LENGTH]
        # Eight tries take about four minutes: longer than a restart, shorter than a shift.
        row.due_at = uow.now + timedelta(seconds=2**row.attempts)
        if row.attempts >= outbox.MAX_ATTEMPTS:
            row.state = PARKED


def claim_due(queues: list[str], limit: int = SWEEP_LIMIT) -> list[tuple[str, UUID]]:
    """Take the deliveries for these queues whose lease is over, and lease them anew."""
    with unit_of_work() as uow:
        lease = timedelta(seconds=uow.settings.lease_seconds)
        due = (
            select(OutboxDelivery.id)
            .where(
                OutboxDelivery.state == PENDING,
                OutboxDelivery.due_at <= uow.now,
                OutboxDelivery.queue.in_(queues),
            )
            .order_by(OutboxDelivery.due_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        rows = uow.session.execute(
            update(OutboxDelivery)
            .where(OutboxDelivery.id.in_(due))
            .values(due_at=uow.now + lease)
            .returning(OutboxDelivery.queue, OutboxDelivery.id)
            .execution_options(synchronize_session=False)
        ).all()
    return [(row.queue, row.id) for row in rows]


def sweep() -> int:
    """Enqueue again what the doorbell or a worker lost; run by the scheduler. Returns how many."""
    connection = current_app.extensions["mall_redis"]
    open_queues = [
        name
        for name, limits in rq_queues.QUEUES.items()
        if rq_queues.queue(name, connection).count < limits.max_waiting
    ]
    found = claim_due(open_queues)
    if found:
        enqueue(connection, found)
    return len(found)


def forget_old() -> int:
    """Delete finished deliveries and idempotency answers past their time; hourly."""
    with unit_of_work() as uow:
        forgotten = idempotency.forget_expired(uow.session, uow.now)
        before = uow.now - KEEP_DONE
        # By its id a delivery is known to be old: of the others none is read.
        old = "id < :first AND state = 'done' AND done_at < :before"
        values = {"first": first_id(before), "before": before}
        forgotten += delete_some(uow.session, "outbox_delivery", old, values)
    return forgotten


INVARIANTS = [
    Invariant(
        "nothing_parked",
        "no delivery failed so often that it was parked for an operator",
        Whole(
            "an index has those that are parked",
            "SELECT id, topic, last_error FROM outbox_delivery WHERE state = 'parked'",
        ),
    ),
]
