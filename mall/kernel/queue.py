"""The RQ queues, in the order of their urgency, and the limits of each (docs/adr/0021)."""

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry
from rq import Queue, worker_registration

PAYMENTS, FULFILLMENT, INDEX = "payments", "fulfillment", "index"
SHEETS, BULK, NOTIFY = "sheets", "bulk", "notify"


@dataclass(frozen=True)
class Limits:
    """How long a job may run, how many deliveries travel in it, how many jobs may wait.

    Above `max_waiting` a queue is behind, not forgotten: a sweep that adds to it only makes it
    longer.
    """

    seconds: int
    batch: int
    max_waiting: int = 200


QUEUES: Mapping[str, Limits] = {
    PAYMENTS: Limits(60, 200),
    FULFILLMENT: Limits(60, 200),
    INDEX: Limits(120, 200),
    # Small sheets, each for a few seconds at most: nobody waits for another's.
    SHEETS: Limits(60, 50),
    # Large sheets and rosters work a bounded share each time; the daily audit takes seconds.
    BULK: Limits(600, 50),
    NOTIFY: Limits(60, 200),
}


QUICK_SECONDS, REST_SECONDS = 0.25, 1.0
# A connection that broke while nobody used it is made anew; nothing is waited for.
_ONCE_MORE = Retry(NoBackoff(), 1)


class QuickRedis(Redis):
    """A client for requests: a call takes a quarter of a second at most, or is not made at all.

    After a failure the server is left alone for a second, in which calls fail at once: one that
    hangs must not cost every request its patience (docs/adr/0040).
    """

    _rests_until = 0.0

    def execute_command(self, *arguments: Any, **options: Any) -> Any:
        if time.monotonic() < self._rests_until:
            raise RedisConnectionError("left alone for a moment after it did not answer")
        try:
            return super().execute_command(*arguments, **options)
        except (RedisConnectionError, RedisTimeoutError):
            self._rests_until = time.monotonic() + REST_SECONDS
            raise


def connect_quick(redis_url: str) -> QuickRedis:
    """Return a client for what requests would like to know, and can do without."""
    found = QuickRedis.from_url(
        redis_url,
        socket_timeout=QUICK_SECONDS,
        socket_connect_timeout=QUICK_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )
    assert isinstance(found, QuickRedis)
    return found


def connect(redis_url: str) -> Redis:
    """Return a client whose every call has a time-out, for threads and processes nobody waits for."""
    return Redis.from_url(
        redis_url,
        socket_timeout=5,
        socket_connect_timeout=2,
        health_check_interval=30,
        retry=_ONCE_MORE,
    )


def connect_worker(redis_url: str) -> Redis:
    """Return a client for RQ's blocking reads, whose time-outs RQ sets itself."""
    return Redis.from_url(
        redis_url, socket_connect_timeout=2, health_check_interval=30, retry=Retry(NoBackoff(), 0)
    )


def queue(name: str, connection: Redis) -> Queue:
    """Return a queue by name; raise KeyError for one that nobody serves."""
    return Queue(name, connection=connection, default_timeout=QUEUES[name].seconds)


@dataclass(frozen=True)
class Load:
    """How many jobs of a queue wait, run, and failed within the last hour."""

    queued: int
    started: int
    failed: int


def load(name: str, connection: Redis) -> Load:
    """Return what a queue is busy with; raise KeyError for one that nobody serves.

    Jobs of a worker that gave no sign of life lately do not count as running.
    """
    found = queue(name, connection)
    running = connection.zcount(found.started_job_registry.key, int(time.time()), "+inf")
    return Load(
        found.count,
        int(running),
        found.failed_job_registry.get_job_count(cleanup=False),
    )


def count_workers(connection: Redis) -> int:
    """Return how many workers gave a sign of life lately."""
    keys = worker_registration.get_keys(connection=connection)
    return int(connection.exists(*keys)) if keys else 0


def workers_by_queue(connection: Redis) -> Counter[str]:
    """Return how many workers that gave a sign of life lately serve each queue."""
    found: Counter[str] = Counter()
    for name in QUEUES:
        keys = worker_registration.get_keys(queue=queue(name, connection))
        found[name] = int(connection.exists(*keys)) if keys else 0
    return found
