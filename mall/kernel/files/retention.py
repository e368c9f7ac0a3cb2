"""What nobody needs any more ends: private files get a last day, and go on it (docs/adr/0027)."""

from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import islice

import structlog
from sqlalchemy import Index, delete, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from mall.kernel import clock
from mall.kernel.db import Base
from mall.kernel.files import quotas
from mall.kernel.files.store import DOCUMENTS, PrivateFiles, StoredObject
from mall.kernel.invariants import Invariant, Whole
from mall.kernel.settings import Settings
from mall.kernel.uow import unit_of_work

log = structlog.get_logger(__name__)
# What was put so lately may belong to a transaction that is still under way.
UNTOUCHED = timedelta(days=1)
CHUNK = 500
# One run deletes for so long; the next goes on.
RUN_SECONDS = 60
InForce = Callable[[Session, Collection[str], datetime], set[str]]


class EndedFile(Base):
    """A private file that is not in force any more: when it goes, and when it went."""

    __tablename__ = "ended_file"
    __table_args__ = (
        Index("ix_ended_file_due", "ends_at", postgresql_where=text("removed_at IS NULL")),
    )

    key: Mapped[str] = mapped_column(primary_key=True)
    found_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]


INVARIANTS = [
    Invariant(
        "ended_files_go",
        "no file that is not in force stays a day longer than its retention time",
        Whole(
            "an index has those that are still to go",
            "SELECT key, ends_at FROM ended_file"
            " WHERE removed_at IS NULL AND ends_at < now() - interval '1 day'",
        ),
    ),
]


def keeping(area: str, settings: Settings) -> timedelta:
    """Return how long a file of an area is kept once it is not in force."""
    is_document = area == DOCUMENTS
    days = settings.document_retention_days if is_document else settings.file_retention_days
    return timedelta(days=days)


def end_files(files: PrivateFiles, in_force: Mapping[str, InForce], settings: Settings) -> int:
    """Note which files are not in force any more, and delete those whose day has come.

    Each feature says which of the keys of its area are in force. What came into force again is
    kept. Returns how many were deleted.
    """
    for area, ask in in_force.items():
        rest = files.every(area)
        while chunk := list(islice(rest, CHUNK)):
            _note(chunk, ask, keeping(area, settings))
    removed = 0
    for _ in clock.within(RUN_SECONDS, _for_ever()):
        gone = _remove(files, in_force)
        removed += gone
        if gone == 0:
            break
    return removed


def _for_ever() -> Iterator[None]:
    while True:
        yield None


def _note(found: list[StoredObject], ask: InForce, after: timedelta) -> None:
    """Give what is not in force its last day, and take it from what is."""
    with unit_of_work() as uow:
        old = [kept.key for kept in found if kept.since < uow.now - UNTOUCHED]
        needed = ask(uow.session, old, uow.now)
        uow.session.execute(delete(EndedFile).where(EndedFile.key.in_(needed)))
        ended = [key for key in old if key not in needed]
        if ended:
            rows = [{"key": key, "found_at": uow.now, "ends_at": uow.now + after} for key in ended]
            uow.session.execute(
                insert(EndedFile).on_conflict_do_nothing(index_elements=["key"]), rows
            )


def _remove(files: PrivateFiles, in_force: Mapping[str, InForce]) -> int:
    """Delete some files whose day has come; nothing is lost if this ends half-way."""
    with unit_of_work() as uow:
        due = list(
            uow.session.scalars(
                select(EndedFile.key)
                .where(EndedFile.removed_at.is_(None), EndedFile.ends_at <= uow.now)
                .order_by(EndedFile.ends_at)
                .limit(CHUNK)
            )
        )
        needed: set[str] = set()
        for area, ask in in_force.items():
            mine = [key for key in due if key.startswith(f"{area}/")]
            needed |= ask(uow.session, mine, uow.now) if mine else set()
        uow.session.execute(delete(EndedFile).where(EndedFile.key.in_(needed)))
    gone = [key for key in due if key not in needed]
    for key in gone:
        files.delete(key)
        log.info("file_ended", key=key)
    if gone:
        with unit_of_work() as uow:
            uow.session.execute(
                update(EndedFile).where(EndedFile.key.in_(gone)).values(removed_at=uow.now)
            )
            quotas.release(uow.session, gone)
    return len(gone)
