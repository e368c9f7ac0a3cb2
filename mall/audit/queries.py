"""Read where audits are."""

from collections.abc import Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from mall.audit import rules, statements
from mall.audit.models import AuditCount, AuditMark, AuditRound, AuditSuspect
from mall.kernel.invariants import Books, Follow, Subject, Sum, Trace, replaced


@dataclass(frozen=True)
class Instant:
    """Which transactions an audit sees, and since which of them rows are new to it."""

    basis: str
    horizon: int
    # Where the last audit was; none if nothing follows from that.
    mark: AuditMark | None
    # How many transactions ago the mark's horizon was, and this audit's own.
    since: int
    until: int

    @property
    def values(self) -> dict[str, int]:
        """Return the ages as the parameters of what asks for new rows."""
        return {"since": self.since, "until": self.until}


def instant(session: Session, books: Books) -> Instant:
    """Return this snapshot's place among transactions; without a mark that is of use, none."""
    now = session.execute(statements.INSTANT).one()
    basis = f"{now.cluster}/{books.digest}"
    until = age_of(session, now.horizon)
    mark = session.get(AuditMark, 1, populate_existing=True)
    if mark is None or not rules.is_usable(mark.basis, mark.horizon, basis, now.upcoming):
        return Instant(basis, now.horizon, None, until, until)
    session.expunge(mark)
    return Instant(basis, now.horizon, mark, age_of(session, mark.horizon), until)


def age_of(session: Session, horizon: int) -> int:
    """Return how many transactions ago one was."""
    return int(session.execute(statements.AGE, {"horizon": horizon}).scalar_one())


def changed(session: Session, books: Books, at: Instant) -> dict[str, set[str]] | None:
    """Return which things what was written since the mark speaks of; None if that is too much."""
    found: dict[str, set[str]] = {each.name: set() for each in books.subjects}
    traces: dict[str, list[Trace]] = {}
    for each in books.traces:
        if isinstance(each, Trace):
            traces.setdefault(each.table, []).append(each)
    for table, own in sorted(traces.items()):
        sql = statements.changed_keys(table, own)
        values = {"since": at.since, "most": rules.MOST_CHANGED}
        for subject, key in session.execute(text(sql), values):
            if subject:
                found[subject].add(key)
            elif int(key) >= rules.MOST_CHANGED:
                return None
    follow(session, books, found)
    return found


def follow(session: Session, books: Books, found: dict[str, set[str]]) -> None:
    """Add what is to be looked at with what was found."""
    subjects = {each.name: each for each in books.subjects}
    follows = [each for each in books.traces if isinstance(each, Follow)]
    order = TopologicalSorter({name: set[str]() for name in subjects})
    for each in follows:
        order.add(each.subject, each.after)
    for name in order.static_order():
        for each in follows:
            if each.after == name and found[name]:
                sql = statements.followed_keys(each.keys, subjects[name].type)
                keys = session.execute(text(sql), {"keys": sorted(found[name])}).scalars()
                found[each.subject].update(keys)


def counts_of_old(session: Session, at: Instant) -> tuple[dict[str, int], list[str]]:
    """Return how many rows of tables that only grow are older than this audit's horizon.

    And which of these tables have lost rows, or had some changed, that were there at the mark.
    """
    known = {row.table_name: row.rows for row in session.scalars(select(AuditCount))}
    counts, vanished = {}, []
    for name in session.execute(statements.ONLY_GROW).scalars().all():
        old = statements.written("x", "old")
        settled = statements.written("x", "settled")
        sql = f"""SELECT count(*) FILTER (WHERE {old}) AS old,
                         count(*) FILTER (WHERE {settled}) AS settled FROM {name} x"""
        row = session.execute(text(sql), at.values).one()
        counts[name] = row.old + row.settled
        if at.mark is not None and row.old < known.get(name, 0):
            vanished.append(name)
    return counts, vanished


def suspects(session: Session) -> list[AuditSuspect]:
    """Return what is looked at again because a breach was found among it."""
    found = list(session.scalars(select(AuditSuspect).order_by(AuditSuspect.id)))
    for each in found:
        session.expunge(each)
    return found


def rounds(session: Session) -> dict[str, AuditRound]:
    """Return how far the rounds are."""
    found = {row.subject: row for row in session.scalars(select(AuditRound))}
    for each in found.values():
        session.expunge(each)
    return found


def left(session: Session, subject: Subject, reached: str | None) -> int:
    """Return how many keys of a subject come after one."""
    sql, values = statements.count_of(subject, reached), statements.ends(reached, None)
    return int(session.execute(text(sql), values).scalar_one())


def end_of_piece(session: Session, subject: Subject, reached: str | None, size: int) -> str | None:
    """Return the last key of a piece of so many; None if fewer are left."""
    values = {"skipped": size - 1, **statements.ends(reached, None)}
    return session.execute(text(statements.bound(subject, reached)), values).scalar()


def keys_between(
    session: Session, books: Books, subject: Subject, low: str | None, high: str | None
) -> list[str]:
    """Return all keys of a piece, whichever table has them."""
    sql = statements.keys_between(subject, books.traces, low, high)
    return list(session.execute(text(sql), statements.ends(low, high)).scalars())


def totals(session: Session, found: Sum, window: str, since: int, until: int = 0) -> dict[str, int]:
    """Return totals over the rows that were written in a window of ages."""
    sql = statements.by_key(statements.rows_written(found, window))
    rows = session.execute(text(sql), {"since": since, "until": until})
    return {row.key: row.amount for row in rows}


def counted(
    session: Session, found: Sum, subject: Subject, keys: Sequence[str], since: int
) -> dict[str, int]:
    """Return totals over the rows of some things that were written before a round."""
    rows = statements.about_keys(found.rows, subject)
    rows = replaced(rows, "written", lambda x: statements.written(x, "old"))
    values = {"since": since, "keys": list(keys)}
    return {row.key: row.amount for row in session.execute(text(statements.by_key(rows)), values)}


def is_miscounted(session: Session, names: Sequence[str]) -> bool:
    """Tell whether what a round counted is not what was carried when it began."""
    return bool(session.execute(statements.MISCOUNTED, {"names": list(names)}).scalar_one())
