"""Read deliveries: which wait or failed, how many and since when."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mall.kernel.errors import NotFound
from mall.kernel.outbox import PARKED, PENDING, OutboxDelivery


@dataclass(frozen=True)
class Backlog:
    """How many deliveries of a queue are in a state that is not the end, and the oldest's age."""

    queue: str
    state: str
    deliveries: int
    oldest_seconds: float


def list_deliveries(
    session: Session, state: str, cursor: UUID | None, limit: int
) -> list[OutboxDelivery]:
    """Return deliveries in a state, newest first, one more than `limit` if there are more."""
    query = select(OutboxDelivery).where(OutboxDelivery.state == state)
    if cursor is not None:
        query = query.where(OutboxDelivery.id < cursor)
    return list(session.scalars(query.order_by(OutboxDelivery.id.desc()).limit(limit + 1)))


def ids_of_parked(session: Session, limit: int) -> list[UUID]:
    """Return which deliveries are parked, oldest first."""
    query = select(OutboxDelivery.id).where(OutboxDelivery.state == PARKED)
    return list(session.scalars(query.order_by(OutboxDelivery.id).limit(limit)))


def lock(session: Session, delivery_id: UUID) -> OutboxDelivery:
    """Return a delivery as it is, once whoever runs it now has ended; raise NotFound."""
    query = select(OutboxDelivery).where(OutboxDelivery.id == delivery_id).with_for_update()
    found = session.scalars(query).first()
    if found is None:
        raise NotFound("delivery")
    return found


def backlog(session: Session, now: datetime) -> Iterator[Backlog]:
    """Yield what waits and what is parked, by queue."""
    # One query a state: each has an index of its own over years of finished rows.
    for state in (PENDING, PARKED):
        query = (
            select(OutboxDelivery.queue, func.count(), func.min(OutboxDelivery.created_at))
            .where(OutboxDelivery.state == state)
            .group_by(OutboxDelivery.queue)
        )
        for queue, count, oldest in session.execute(query):
            yield Backlog(queue, state, count, max(0.0, (now - oldest).total_seconds()))
