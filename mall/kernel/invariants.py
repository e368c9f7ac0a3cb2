"""Invariants: what must always be true, asked as queries for the rows that break it.

An invariant consists of parts, and each part says how much it reads (docs/adr/0037):

- `Each(subject, …)` speaks of one order, transfer, member … at a time. `among(o.id)` in its SQL
  stands for "o.id is one of those that are looked at"; where all are, for "true".
  `named(spend:, t.reference)` stands for "it is `spend:` and one of those".
- `Sums(…)` speaks of totals. `total(accounts)` in its SQL stands for a table of `key`, `amount`.
- `Whole(reason, …)` is small enough to be asked whole every day, for the reason given.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import DataError
from sqlalchemy.orm import Session

MAX_SAMPLES, MAX_SEEN = 5, 10_000


@dataclass(frozen=True)
class Each:
    """A question about one thing of a kind; it reads no more than what belongs to it."""

    subject: str
    breaches: str


@dataclass(frozen=True)
class Sums:
    """A question about totals over what grows with every order."""

    breaches: str


@dataclass(frozen=True)
class Whole:
    """A question whose cost does not grow with orders, and why."""

    reason: str
    breaches: str


Part = Each | Sums | Whole


class Invariant:
    """What must always be true; the rows that its parts find contradict it."""

    def __init__(self, name: str, says: str, *parts: Part) -> None:
        if not parts:
            raise ValueError(f"{name} asks nothing")
        self.name, self.says, self.parts = name, says, parts

    def __repr__(self) -> str:
        return f"Invariant({self.name})"


@dataclass(frozen=True)
class Subject:
    """What invariants speak of: a kind of key, and the indexed column that has nearly all of them.

    One that has no row there is looked at with its neighbours, where a trace names its column.
    """

    name: str
    type: str
    table: str
    column: str


@dataclass(frozen=True)
class Trace:
    """Which things of a kind the changed rows of a table speak of.

    `keys` selects them from `changed`, which has the table's columns.
    """

    subject: str
    table: str
    keys: str


@dataclass(frozen=True)
class Follow:
    """Which things of a kind are to be looked at with those of another, called `key` in `changed`."""

    subject: str
    after: str
    keys: str


@dataclass(frozen=True)
class Sum:
    """Totals by key over rows that are never changed once they are written.

    `rows` selects `key` and `amount`; `among(…)` narrows it to some of a subject's things, and
    `written(t)` to the time when the row of `t` was written.
    """

    name: str
    subject: str
    rows: str


@dataclass(frozen=True)
class Books:
    """All that is audited, and how what changed is found."""

    invariants: Sequence[Invariant]
    subjects: Sequence[Subject]
    traces: Sequence[Trace | Follow]
    sums: Sequence[Sum]

    @staticmethod
    def of(modules: Iterable[object]) -> "Books":
        """Return the books of all modules and objects that have `INVARIANTS`, `TRACES` …"""
        found = list(modules)

        def all_of(name: str) -> list[Any]:
            return [each for module in found for each in getattr(module, name, ())]

        kinds = ("INVARIANTS", "SUBJECTS", "TRACES", "SUMS")
        return Books(*(all_of(name) for name in kinds))

    @property
    def digest(self) -> str:
        """Return what changes with every word that is asked."""
        said = repr([(each.name, each.parts) for each in self.invariants])
        said += repr((self.subjects, self.traces, self.sums))
        return hashlib.sha256(said.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Finding:
    """How one invariant fared."""

    invariant: Invariant
    breach_count: int
    samples: tuple[str, ...]

    @property
    def is_kept(self) -> bool:
        return self.breach_count == 0


def replaced(sql: str, macro: str, by: Callable[[str], str]) -> str:
    """Return SQL with every `macro(x)` replaced by what the function makes of x."""
    found, at = [], 0
    for start in re.finditer(rf"\b{macro}\(", sql):
        depth, end = 1, start.end()
        while depth:
            depth += {"(": 1, ")": -1}.get(sql[end], 0)
            end += 1
        found += [sql[at : start.start()], by(sql[start.end() : end - 1])]
        at = end
    return "".join([*found, sql[at:]])


def whole_sql(part: Part, sums: Sequence[Sum]) -> str:
    """Return the question of a part about everything there is."""

    def total(name: str) -> str:
        [found] = [each for each in sums if each.name == name]
        rows = replaced(replaced(found.rows, "among", _all), "written", _all)
        return f"(SELECT key, sum(amount) AS amount FROM ({rows}) rows GROUP BY key)"

    return replaced(narrowed(part.breaches, _all, _any), "total", total)


def narrowed(sql: str, among: Callable[[str], str], named: Callable[[str, str], str]) -> str:
    """Return SQL about what is `among` and `named` as these say."""

    def of_name(inside: str) -> str:
        prefix, _, column = inside.partition(",")
        return f"({named(prefix.strip(), column.strip())})"

    return replaced(replaced(sql, "named", of_name), "among", among)


def _all(_: str) -> str:
    return "true"


def _any(prefix: str, column: str) -> str:
    return f"{column} LIKE '{prefix}%'"


class Tally:
    """Counts breaches by invariant, over however many questions; one met twice counts once."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._counts = dict.fromkeys((each.name for each in books.invariants), 0)
        self._seen: dict[str, dict[str, None]] = {name: {} for name in self._counts}

    def ask(
        self, session: Session, name: str, sql: str, values: Mapping[str, Any] | None = None
    ) -> int:
        """Ask for rows that break the invariant of this name; return how many there were."""
        try:
            with session.begin_nested():
                rows = session.execute(text(sql), values or {}).all()
        except DataError as error:
            # A row that the question trips over breaks it, and hides no other breach.
            self._note(name, f"cannot be asked: {error.orig}")
            return 1
        for row in rows:
            self._note(name, str(tuple(map(str, row))))
        return len(rows)

    def _note(self, name: str, breach: str) -> None:
        seen = self._seen[name]
        if breach not in seen:
            self._counts[name] += 1
            if len(seen) < MAX_SEEN:
                seen[breach] = None

    def findings(self) -> list[Finding]:
        """Return a finding for each invariant, in their order."""
        return [
            Finding(each, self._counts[each.name], tuple(self._seen[each.name])[:MAX_SAMPLES])
            for each in self._books.invariants
        ]


def parts_of(books: Books, kind: type[Part]) -> Iterator[tuple[str, Any]]:
    """Return every part of one form with the name of its invariant."""
    for invariant in books.invariants:
        for part in invariant.parts:
            if isinstance(part, kind):
                yield invariant.name, part


def check(session: Session, books: Books) -> list[Finding]:
    """Ask everything of everything; return a finding for each invariant.

    `reading_one_instant` makes them agree.
    """
    tally = Tally(books)
    for invariant in books.invariants:
        for part in invariant.parts:
            tally.ask(session, invariant.name, whole_sql(part, books.sums))
    return tally.findings()
