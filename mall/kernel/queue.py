"""The RQ queues, in the order of their urgency, and the limits of each (docs/adr/0021)."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from redis import Redis
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


def connect(redis_url: str) -> Redis:
    """Return a client whose every call has a time-out."""
    return Redis.from_url(
        redis_url, socket_timeout=5, socket_connect_timeout=2, health_check_interval=30
    )


def connect_worker(redis_url: str) -> Redis:
    """Return a client for RQ's blocking reads, whose time-outs RQ sets itself."""
    return Redis.from_url(redis_url, socket_connect_timeout=2, health_check_interval=30)


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
