"""Read the journal; what must always be true of it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from mall.journal.models import JournalLine, JournalSeal

# A line as the text that is sealed: whatever shows the zone or spelling of a session is left out.
CANONICAL = """jsonb_build_array(l.id, extract(epoch FROM l.at), l.audience, l.actor_id,
    l.actor_name, l.operation, l.request, l.objects, l.given, l.before, l.after, l.address,
    l.request_id, l.outcome)::text"""
STAFF = "('ops','union','supplier','pickup')"


@dataclass(frozen=True)
class Filter:
    """Which lines somebody looks for."""

    actor_id: UUID | None = None
    operation: str | None = None
    object: str | None = None
    audience: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def _query(wanted: Filter) -> Any:
    query = select(JournalLine, JournalSeal).outerjoin(
        JournalSeal, JournalSeal.line_id == JournalLine.id
    )
    for name in ("actor_id", "operation", "audience"):
        value = getattr(wanted, name)
        if value is not None:
            query = query.where(getattr(JournalLine, name) == value)
    if wanted.object is not None:
        query = query.where(JournalLine.objects.contains([wanted.object]))
    if wanted.since is not None:
        query = query.where(JournalLine.at >= wanted.since)
    if wanted.until is not None:
        query = query.where(JournalLine.at < wanted.until)
    return query.order_by(JournalLine.id.desc())


def list_lines(
    session: Session, wanted: Filter, cursor: UUID | None, limit: int
) -> list[dict[str, Any]]:
    """Return lines, newest first, one more than `limit` if there are more."""
    query = _query(wanted).limit(limit + 1)
    if cursor is not None:
        query = query.where(JournalLine.id < cursor)
    return [_shown(line, seal) for line, seal in session.execute(query)]


NAMES = (
    "id",
    "at",
    "audience",
    "actor_id",
    "actor_name",
    "operation",
    "request",
    "objects",
    "given",
    "before",
    "after",
    "address",
    "request_id",
    "outcome",
)


def _shown(line: JournalLine, seal: JournalSeal | None) -> dict[str, Any]:
    shown = {name: getattr(line, name) for name in NAMES}
    sealed = {"position": seal.position, "hash": seal.hash.hex()} if seal else {}
    return {**shown, "position": None, "hash": None, **sealed}


def head(session: Session) -> tuple[int, str]:
    """Return position and hash of the newest seal."""
    query = select(JournalSeal).order_by(JournalSeal.position.desc()).limit(1)
    found = session.scalars(query).first()
    return (found.position, found.hash.hex()) if found else (0, "")
