"""The signed history of a programme: append to it, check it, hand it out."""

from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from mall.kernel.audit import Invariant
from mall.kernel.uow import UnitOfWork
from orders.programmes import rules
from orders.programmes.models import Programme, ProgrammeEvent

RECIPE = (
    "sha256 over these fields, each followed by a line feed but the last: programme id, number, "
    "happened_at (UTC, six decimals, Z), actor, actor_name, act, state, content_hash, note, "
    "details, previous_hash; the first previous_hash is 64 zeros."
)


def append(
    uow: UnitOfWork,
    programme: Programme,
    by: tuple[str, str],
    act: str,
    note: str = "",
    details: dict[str, Any] | None = None,
) -> None:
    """Sign what was just done to a programme that this transaction has locked.

    `by` is who, as the guard names them, and the name people know.
    """
    programme.event_count += 1
    event = ProgrammeEvent(
        programme_id=programme.id,
        number=programme.event_count,
        happened_at=uow.now,
        actor=by[0],
        actor_name=by[1],
        act=act,
        state=programme.state,
        content_hash=programme.content_hash or "",
        note=note,
        details=rules.canonical(details or {}),
        previous_hash=programme.last_hash,
    )
    event.hash = hash_of(event)
    programme.last_hash = event.hash
    uow.session.add(event)
    uow.session.flush()


def hash_of(event: ProgrammeEvent) -> str:
    """Return what an event's hash must be."""
    at = event.happened_at.isoformat(timespec="microseconds").replace("+00:00", "Z")
    return rules.event_hash(
        (
            str(event.programme_id),
            str(event.number),
            at,
            event.actor,
            event.actor_name,
            event.act,
            event.state,
            event.content_hash,
            event.note,
            event.details,
            event.previous_hash,
        )
    )


def last(session: Session, programme: Programme) -> ProgrammeEvent:
    """Return the last step of a programme."""
    return session.get_one(ProgrammeEvent, (programme.id, programme.event_count))


def events(session: Session, programme_id: UUID) -> list[ProgrammeEvent]:
    """Return a programme's history, oldest first."""
    query = select(ProgrammeEvent).where(ProgrammeEvent.programme_id == programme_id)
    return list(session.scalars(query.order_by(ProgrammeEvent.number)))


INVARIANTS = [
    Invariant(
        "history_unbroken",
        "every step of a programme is signed over what it says and over the step before",
        """
        SELECT e.programme_id, e.number FROM (
            SELECT e.*, lag(e.hash) OVER (PARTITION BY e.programme_id ORDER BY e.number) AS before,
                   row_number() OVER (PARTITION BY e.programme_id ORDER BY e.number) AS position
            FROM programme_event e) e
        WHERE e.number <> e.position
           OR e.previous_hash <> coalesce(e.before, repeat('0', 64))
           OR e.hash <> encode(sha256(convert_to(concat_ws(E'\\n',
                CAST(e.programme_id AS text), CAST(e.number AS text),
                to_char(e.happened_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
                e.actor, e.actor_name, e.act, e.state, e.content_hash, e.note, e.details,
                e.previous_hash), 'UTF8')), 'hex')
        """,
    ),
    Invariant(
        "history_whole",
        "a programme's last step is the one that it names, in the state that it is in",
        """
        SELECT p.number, p.event_count, p.last_hash, p.state FROM programme p
        LEFT JOIN programme_event e ON e.programme_id = p.id AND e.number = p.event_count
        WHERE e.hash IS DISTINCT FROM p.last_hash OR e.state IS DISTINCT FROM p.state
           OR e.content_hash IS DISTINCT FROM coalesce(p.content_hash, '')
           OR (SELECT count(*) FROM programme_event x WHERE x.programme_id = p.id)
              <> p.event_count
        """,
    ),
]
