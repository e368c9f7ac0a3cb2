"""Read programmes and their signed history."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from mall.kernel.errors import NotFound
from mall.kernel.invariants import Invariant
from mall.kernel.uow import UnitOfWork
from mall.ledger.service.funds import Terms
from orders.programmes import rules, statements
from orders.programmes.models import Programme, ProgrammeEvent, UnionPolicy

RECIPE = (
    "sha256 over these fields, each followed by a line feed but the last: programme id, number, "
    "happened_at (UTC, six decimals, Z), actor, actor_name, act, state, content_hash, note, "
    "details, previous_hash; the first previous_hash is 64 zeros."
)


def lock_any(uow: UnitOfWork, programme_id: UUID) -> Programme:
    """Lock a programme, of whichever union, until the transaction ends; raises NotFound."""
    return _locked(uow, Programme.id == programme_id)


def lock_of_union(uow: UnitOfWork, union_id: UUID, programme_id: UUID) -> Programme:
    """Lock a union's programme until the transaction ends; raises NotFound if it is another's."""
    mine = Programme.union_id == union_id
    return _locked(uow, (Programme.id == programme_id) & mine)


def _locked(uow: UnitOfWork, which: ColumnElement[bool]) -> Programme:
    query = select(Programme).where(which).with_for_update()
    found = uow.session.scalars(query.execution_options(populate_existing=True)).first()
    if found is None:
        raise NotFound("programme")
    return found


def any_programme(session: Session, programme_id: UUID) -> Programme:
    """Return a programme, of whichever union; raises NotFound if there is none."""
    found = session.get(Programme, programme_id)
    if found is None:
        raise NotFound("programme")
    return found


def programme_of_union(session: Session, union_id: UUID, programme_id: UUID) -> Programme:
    """Return a union's programme; raises NotFound if it is another's."""
    found = any_programme(session, programme_id)
    if found.union_id != union_id:
        raise NotFound("programme")
    return found


def by_ids(session: Session, programme_ids: Collection[UUID]) -> dict[UUID, Programme]:
    """Return programmes by their ids."""
    rows = session.scalars(select(Programme).where(Programme.id.in_(programme_ids)))
    return {row.id: row for row in rows}


def list_programmes(
    session: Session,
    union_id: UUID | None,
    state: str | None,
    cursor: UUID | None,
    limit: int,
) -> list[Programme]:
    """Return programmes, newest first, one more than `limit` if there are more."""
    query = select(Programme)
    if union_id is not None:
        query = query.where(Programme.union_id == union_id)
    if state is not None:
        query = query.where(Programme.state == state)
    if cursor is not None:
        query = query.where(Programme.id < cursor)
    return list(session.scalars(query.order_by(Programme.id.desc()).limit(limit + 1)))


def noticed(
    session: Session, union_id: UUID | None, cursor: UUID | None, limit: int
) -> list[Programme]:
    """Return decided programmes for the public notice, newest first."""
    query = select(Programme).where(Programme.state.in_(rules.DECIDED))
    if union_id is not None:
        query = query.where(Programme.union_id == union_id)
    if cursor is not None:
        query = query.where(Programme.id < cursor)
    return list(session.scalars(query.order_by(Programme.id.desc()).limit(limit + 1)))


def get_noticed(session: Session, programme_id: UUID) -> Programme:
    """Return a decided programme; any other is unknown to the public."""
    found = session.get(Programme, programme_id)
    if found is None or found.state not in rules.DECIDED:
        raise NotFound("programme")
    return found


def policy_of(session: Session, union_id: UUID) -> UnionPolicy | None:
    """Return what a union allows itself."""
    return session.get(UnionPolicy, union_id)


def content_of(programme: Programme) -> dict[str, Any]:
    """Return the frozen content of a programme that was submitted."""
    assert programme.content is not None
    return programme.content


def pack_of(programme: Programme, pack_id: UUID | None) -> dict[str, Any]:
    """Return a frozen pack of a programme; raise NotFound."""
    for pack in content_of(programme)["packs"]:
        if pack_id is not None and pack["pack_id"] == str(pack_id):
            found: dict[str, Any] = pack
            return found
    raise NotFound("pack", field="pack_id")


def terms_of(programme: Programme) -> Terms:
    """Return what all lots of a programme have in common."""
    is_voucher = not rules.has_beans(programme.kind, programme.max_items)
    return Terms(
        programme_id=programme.id,
        programme=programme.name,
        expires_at=rules.ends_at(programme.expires_on),
        scope_id=programme.scope_id,
        is_voucher=is_voucher,
        allows_top_up=programme.allows_top_up,
        leftover_fund_id=programme.id if programme.leftover == rules.RETURN else None,
    )


def count_over_limit(
    session: Session, programme_id: UUID, union_id: UUID, year: int, limit_fen: int
) -> int:
    """Return how many recipients would have more of their union in a year than the limit."""
    values: dict[str, Any] = {"programme_id": programme_id, "union_id": union_id}
    found = session.scalar(statements.OVER_LIMIT, {**values, "year": year, "limit_fen": limit_fen})
    return int(found or 0)


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


def last_event(session: Session, programme: Programme) -> ProgrammeEvent:
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
