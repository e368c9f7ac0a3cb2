"""The audit of a day: what changed, and a piece of everything else; each in its own instant."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from sqlalchemy import text
from sqlalchemy.orm import Session

from mall.audit import queries, rules, service, statements
from mall.audit.models import AuditRound, AuditSuspect
from mall.audit.rules import Looked, Pace
from mall.kernel import clock
from mall.kernel.invariants import (
    Books,
    Each,
    Finding,
    Subject,
    Sums,
    Tally,
    Whole,
    parts_of,
    whole_sql,
)
from mall.kernel.uow import reading, reading_one_instant, unit_of_work


@contextmanager
def _one_instant() -> Iterator[Session]:
    with reading_one_instant() as session:
        for statement in statements.PLAN:
            session.execute(text(statement))
        yield session


@dataclass
class Changes:
    """What was found at the first instant, to be written down after it."""

    progress: service.Progress
    suspects: list[tuple[str, list[str]]] = field(default_factory=list)
    cleared: list[AuditSuspect] = field(default_factory=list)
    # Totals that do not agree with what they are compared with.
    is_miscounted: bool = False


class Audit:
    """One audit; what it found is a finding for each invariant, and what it looked at."""

    def __init__(self, books: Books, pace: Pace | None = None) -> None:
        self._books = books
        self._pace = pace or Pace()
        self._tally = Tally(books)
        self._subjects = {each.name: each for each in books.subjects}
        self.looked = Looked()

    def run(self) -> list[Finding]:
        """Look at what changed since the last audit and at a day's share of everything else."""
        with _one_instant() as session:
            found = self.look_at_changes(session)
        self._write_down(found)
        if found.is_miscounted:
            self._count_anew()
        for subject in self._books.subjects:
            self._look_at_pieces(subject)
        return self.findings()

    # What changed

    def look_at_changes(self, session: Session) -> Changes:
        """Ask about what was written since the last audit, about totals, and about what is small."""
        at = queries.instant(session, self._books)
        keys = queries.changed(session, self._books, at) if at.mark else None
        counts, vanished = queries.counts_of_old(session, at)
        if at.mark is None:
            self.looked.reasons.append("no audit before this one can be built on")
        else:
            self.looked.since = at.mark.taken_at
            if keys is None:
                self.looked.reasons.append("too much has changed to tell it apart")
        self.looked.reasons += [f"{name} has lost rows, or had some changed" for name in vanished]
        found = Changes(service.Progress(at, self._totals(session, at), counts))
        self._look_again(session, found)
        for name, some in (keys or {}).items():
            self.looked.changed[name] = len(some)
            for batch in rules.batches(sorted(some), self._pace.batch):
                if self._ask(session, self._subjects[name], batch):
                    found.suspects.append((name, batch))
        for name, part in parts_of(self._books, Whole):
            self._tally.ask(session, name, part.breaches)
        found.is_miscounted = self._ask_sums(session, at)
        return found

    def findings(self) -> list[Finding]:
        """Return what was found until now."""
        return self._tally.findings()

    def _totals(self, session: Session, at: queries.Instant) -> service.Totals:
        """Return what is carried forward: since the mark, or without one from the beginning."""
        window = "old" if at.mark is None else "settled"
        return {
            each.name: queries.totals(session, each, window, at.since, at.until)
            for each in self._books.sums
        }

    def _look_again(self, session: Session, found: Changes) -> None:
        known = queries.suspects(session)
        self.looked.suspects = len(known)
        for each in known:
            subject = self._subjects.get(each.subject)
            if subject is None or not self._ask(session, subject, each.keys):
                found.cleared.append(each)

    def _ask(self, session: Session, subject: Subject, keys: Sequence[str]) -> int:
        """Ask all that is asked of a subject about these things; return how much is wrong."""
        return sum(
            self._tally.ask(
                session, name, statements.about_keys(part.breaches, subject), {"keys": list(keys)}
            )
            for name, part in parts_of(self._books, Each)
            if part.subject == subject.name
        )

    def _ask_sums(self, session: Session, at: queries.Instant) -> bool:
        """Ask about totals; return whether what was carried is wrong by itself."""
        is_wrong = False
        for name, part in parts_of(self._books, Sums):
            if at.mark is not None:
                asked = statements.of_sums(part, self._books.sums)
                if not session.execute(text(asked), at.values).first():
                    continue
                is_wrong = True
            self._tally.ask(session, name, whole_sql(part, self._books.sums))
        return is_wrong

    def _write_down(self, found: Changes) -> None:
        with unit_of_work() as uow:
            service.clear(uow, found.cleared)
            if len(found.suspects) <= rules.MOST_SUSPECTS:
                for name, keys in found.suspects:
                    service.suspect(uow, name, keys)
                if found.progress.at.mark is None:
                    service.begin_anew(uow, found.progress)
                else:
                    service.move_mark(uow, found.progress)
            service.begin_rounds(uow, self._books, bool(self.looked.reasons))

    def _count_anew(self) -> None:
        """Replace totals that were carried wrongly by what the rows themselves come to."""
        with _one_instant() as session:
            at = queries.instant(session, self._books)
            if at.mark is None:
                return
            totals = {
                each.name: queries.totals(session, each, "old", at.since)
                for each in self._books.sums
            }
        with unit_of_work() as uow:
            service.replace_totals(uow, at, totals)

    # Everything else

    def _look_at_pieces(self, subject: Subject) -> None:
        with reading() as session:
            row = queries.rounds(session).get(subject.name)
            if row is None or row.is_over:
                return
            left = queries.left(session, subject, row.reached)
            total = queries.left(session, subject, None)
        share = min(left, rules.share_of_day(left, row.due_at, clock.now(), self._pace))
        self.looked.due_at = max(self.looked.due_at or row.due_at, row.due_at)
        done = 0
        while not row.is_over:
            size = min(self._pace.piece, share - done)
            if size <= 0 and share < left:
                break
            is_last = done + size >= left
            if not self._look_at_piece(subject, row, None if is_last else size):
                break
            done += size
        self.looked.total[subject.name] = total
        self.looked.today[subject.name] = done
        self.looked.reached[subject.name] = total - left + done

    def _look_at_piece(self, subject: Subject, row: AuditRound, size: int | None) -> bool:
        """Look at so many things of a subject, or at all that are left; False if another did."""
        sums = [each for each in self._books.sums if each.subject == subject.name]
        with _one_instant() as session:
            upto = size and queries.end_of_piece(session, subject, row.reached, size)
            keys = queries.keys_between(session, self._books, subject, row.reached, upto or None)
            broken = self._ask(session, subject, keys)
            since = queries.age_of(session, row.horizon)
            totals = {
                each.name: queries.counted(session, each, subject, keys, since) for each in sums
            }
        with unit_of_work() as uow:
            moved = service.move_round(uow, row, upto or None, totals)
            if moved and broken:
                service.suspect(uow, subject.name, keys)
        row.reached, row.is_over = upto or None, not upto
        if moved and row.is_over and sums:
            with reading() as session:
                is_miscounted = queries.is_miscounted(session, [each.name for each in sums])
            if is_miscounted:
                self._check_totals()
        return moved

    def _check_totals(self) -> None:
        """Ask about totals as the rows come to: what was carried is not what a round counted."""
        with _one_instant() as session:
            for name, part in parts_of(self._books, Sums):
                self._tally.ask(session, name, whole_sql(part, self._books.sums))
        self._count_anew()
