"""Figures of the queues: what the database still owes, and what Valkey is busy with."""

from typing import Any

from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy.orm import Session

from mall.kernel import clock
from mall.kernel import queue as rq_queues
from mall.kernel.outbox import PARKED, PENDING
from mall.outbox_admin import queries


def read(session: Session, connection: Redis) -> dict[str, Any]:
    """Return a row for each queue and the number of workers; what only Valkey knows may be None."""
    found = {(row.queue, row.state): row for row in queries.backlog(session, clock.now())}
    loads, workers = _valkey(connection)
    items = []
    for name in rq_queues.QUEUES:
        waiting, parked = found.get((name, PENDING)), found.get((name, PARKED))
        load = loads.get(name)
        items.append(
            {
                "queue": name,
                "pending": waiting.deliveries if waiting else 0,
                "oldest_seconds": round(waiting.oldest_seconds, 1) if waiting else 0.0,
                "parked": parked.deliveries if parked else 0,
                "queued": load.queued if load else None,
                "started": load.started if load else None,
                "failed": load.failed if load else None,
            }
        )
    return {"items": items, "workers": workers}


def _valkey(connection: Redis) -> tuple[dict[str, rq_queues.Load], int | None]:
    try:
        loads = {name: rq_queues.load(name, connection) for name in rq_queues.QUEUES}
        return loads, rq_queues.count_workers(connection)
    except RedisError:
        return {}, None
