"""Write down where audits are; each only from what it has read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import delete, select, text
from sqlalchemy.orm import Session

from mall.audit import rules, statements
from mall.audit.models import AuditMark, AuditRound, AuditSuspect
from mall.audit.queries import Instant
from mall.kernel.ids import new_id
from mall.kernel.invariants import Books
from mall.kernel.uow import UnitOfWork

Totals = Mapping[str, Mapping[str, int]]


@dataclass(frozen=True)
class Progress:
    """What an audit found at its instant, to be carried forward."""

    at: Instant
    totals: Totals
    counts: Mapping[str, int]


def _lock(session: Session) -> AuditMark | None:
    """Let one audit after the other write; each takes as long as a few rows."""
    session.execute(text("LOCK TABLE audit_mark IN SHARE ROW EXCLUSIVE MODE"))
    return session.get(AuditMark, 1, populate_existing=True)


def move_mark(uow: UnitOfWork, progress: Progress) -> bool:
    """Carry totals forward to an audit's horizon; False if another audit has moved on meanwhile."""
    at, session = progress.at, uow.session
    _lock(session)
    moved = session.execute(
        statements.MOVE_MARK,
        {
            "basis": at.basis,
            "horizon": at.horizon,
            "now": uow.now,
            "old_basis": at.mark.basis if at.mark else "",
            "old_horizon": at.mark.horizon if at.mark else 0,
        },
    )
    if not moved.rowcount:  # type: ignore[attr-defined]
        return False
    _carry(session, progress.totals)
    session.execute(
        statements.COUNT_ROWS,
        {"names": list(progress.counts), "counts": list(progress.counts.values())},
    )
    return True


def begin_anew(uow: UnitOfWork, progress: Progress) -> None:
    """Begin with totals that were counted whole; what an earlier audit knew counts for nothing."""
    at, session = progress.at, uow.session
    _lock(session)
    for table in ("audit_mark", "audit_sum", "audit_count"):
        session.execute(text(f"DELETE FROM {table}"))
    session.expire_all()
    session.add(AuditMark(id=1, basis=at.basis, horizon=at.horizon, taken_at=uow.now))
    session.flush()
    _carry(session, progress.totals)
    session.execute(
        statements.COUNT_ROWS,
        {"names": list(progress.counts), "counts": list(progress.counts.values())},
    )


def replace_totals(uow: UnitOfWork, at: Instant, totals: Totals) -> None:
    """Carry totals that were counted whole instead of those that proved to be wrong."""
    mark = _lock(uow.session)
    if mark is None or at.mark is None or mark.horizon != at.mark.horizon:
        # Another audit has moved on, and will find out by itself.
        return
    for name in totals:
        uow.session.execute(text("DELETE FROM audit_sum WHERE name = :name"), {"name": name})
    _carry(uow.session, totals)


def _carry(session: Session, totals: Totals) -> None:
    for name, amounts in totals.items():
        values = {"name": name, "keys": list(amounts), "amounts": list(amounts.values())}
        session.execute(statements.CARRY, values)


def begin_rounds(uow: UnitOfWork, books: Books, is_now: bool) -> None:
    """Begin the rounds that are over; where everything is due now, all of them."""
    mark = _lock(uow.session)
    if mark is None:
        return
    for subject in books.subjects:
        begun = uow.session.execute(
            statements.BEGIN_ROUND,
            {
                "subject": subject.name,
                "horizon": mark.horizon,
                "now": uow.now,
                "due_at": uow.now + (rules.ROUND * (not is_now)),
                "anew": is_now,
            },
        )
        names = [each.name for each in books.sums if each.subject == subject.name]
        if begun.rowcount and names:  # type: ignore[attr-defined]
            uow.session.execute(statements.BEGIN_COUNTING, {"names": names})


def move_round(uow: UnitOfWork, row: AuditRound, upto: str | None, totals: Totals) -> bool:
    """Note that a piece was looked at; False if another audit has done so, or begun anew."""
    _lock(uow.session)
    moved = uow.session.execute(
        statements.MOVE_ROUND,
        {
            "subject": row.subject,
            "reached": row.reached,
            "upto": upto,
            "is_over": upto is None,
            "started_at": row.started_at,
        },
    )
    if not moved.rowcount:  # type: ignore[attr-defined]
        return False
    for name, amounts in totals.items():
        values = {"name": name, "keys": list(amounts), "amounts": list(amounts.values())}
        uow.session.execute(statements.COUNTED, values)
    return True


def suspect(uow: UnitOfWork, subject: str, keys: Sequence[str]) -> None:
    """Remember things among which a breach was found."""
    same = select(AuditSuspect.id).where(
        AuditSuspect.subject == subject, AuditSuspect.keys == list(keys)
    )
    if uow.session.scalars(same).first() is None:
        row = {"subject": subject, "keys": list(keys), "found_at": uow.now}
        uow.session.add(AuditSuspect(id=new_id(), **row))


def clear(uow: UnitOfWork, suspects: Sequence[AuditSuspect]) -> None:
    """Forget what has no breach any more."""
    ids = [each.id for each in suspects]
    uow.session.execute(delete(AuditSuspect).where(AuditSuspect.id.in_(ids)))
