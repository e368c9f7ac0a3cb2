"""Append to the signed history of a programme; `queries.py` reads and checks it."""

from dataclasses import dataclass, field
from typing import Any

from mall.kernel.uow import UnitOfWork
from orders.programmes import queries, rules
from orders.programmes.models import Programme, ProgrammeEvent
from orders.programmes.rules import Signature


@dataclass(frozen=True)
class Step:
    """Who did what to a programme, with which note and figures."""

    by: Signature
    act: str
    note: str = ""
    details: dict[str, Any] = field(default_factory=dict)


def append(uow: UnitOfWork, programme: Programme, step: Step) -> None:
    """Sign what was just done to a programme that this transaction has locked."""
    programme.event_count += 1
    event = ProgrammeEvent(
        programme_id=programme.id,
        number=programme.event_count,
        happened_at=uow.now,
        actor=step.by.actor,
        actor_name=step.by.name,
        act=step.act,
        state=programme.state,
        content_hash=programme.content_hash or "",
        note=step.note,
        details=rules.canonical(step.details),
        previous_hash=programme.last_hash,
    )
    event.hash = queries.hash_of(event)
    programme.last_hash = event.hash
    uow.session.add(event)
    uow.session.flush()
