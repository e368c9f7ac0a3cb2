"""Invariants: a named query that returns the rows that break it."""

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.exc import DataError
from sqlalchemy.orm import Session

MAX_SAMPLES = 5


@dataclass(frozen=True)
class Invariant:
    """A statement that must always be true; `breaches` selects what contradicts it."""

    name: str
    says: str
    breaches: str


@dataclass(frozen=True)
class Finding:
    """How one invariant fared."""

    invariant: Invariant
    breach_count: int
    samples: tuple[str, ...]

    @property
    def is_kept(self) -> bool:
        return self.breach_count == 0


def check(session: Session, invariants: list[Invariant]) -> list[Finding]:
    """Run every invariant and return a finding for each; `reading_one_instant` makes them agree."""
    findings = []
    for invariant in invariants:
        try:
            with session.begin_nested():
                rows = session.execute(text(invariant.breaches)).all()
        except DataError as error:
            # A row that the question trips over breaks it, and hides no other breach.
            findings.append(Finding(invariant, 1, (f"cannot be asked: {error.orig}",)))
            continue
        samples = tuple(str(tuple(map(str, row))) for row in rows[:MAX_SAMPLES])
        findings.append(Finding(invariant, len(rows), samples))
    return findings
