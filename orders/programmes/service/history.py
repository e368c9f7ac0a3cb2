"""Append to the signed history of a programme; `queries.py` reads and checks it."""

from typing import Any

from mall.kernel.uow import UnitOfWork
from orders.programmes import queries, rules
from orders.programmes.models import Programme, ProgrammeEvent
from orders.programmes.rules import Signature


def append(
    uow: UnitOfWork,
    programme: Programme,
    by: Signature,
    act: str,
    note: str = "",
    details: dict[str, Any] | None = None,
) -> None:
    """Sign what was just done to a programme that this transaction has locked."""
    programme.event_count += 1
    event = ProgrammeEvent(
        programme_id=programme.id,
        number=programme.event_count,
        happened_at=uow.now,
        actor=by.actor,
        actor_name=by.name,
        act=act,
        state=programme.state,
        content_hash=programme.content_hash or "",
        note=note,
        details=rules.canonical(details or {}),
        previous_hash=programme.last_hash,
    )
    event.hash = queries.hash_of(event)
    programme.last_hash = event.hash
    uow.session.add(event)
    uow.session.flush()
