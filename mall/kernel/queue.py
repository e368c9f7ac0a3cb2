"""The RQ queues, in the order of their urgency."""

from dataclasses import dataclass

from redis import Redis
from rq import Queue, Worker

QUEUES = ("money", "default", "index", "bulk")
JOB_TIMEOUT_SECONDS = 60


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
    if name not in QUEUES:
        raise KeyError(name)
    return Queue(name, connection=connection, default_timeout=JOB_TIMEOUT_SECONDS)


@dataclass(frozen=True)
class Load:
    """How many jobs of a queue wait, run, and failed within the last hour."""

    queued: int
    started: int
    failed: int


def load(name: str, connection: Redis) -> Load:
    """Return what a queue is busy with; raise KeyError for one that nobody serves."""
    found = queue(name, connection)
    return Load(
        found.count,
        found.started_job_registry.get_job_count(cleanup=False),
        found.failed_job_registry.get_job_count(cleanup=False),
    )


def count_workers(connection: Redis) -> int:
    """Return how many workers gave a sign of life lately."""
    return Worker.count(connection=connection)
