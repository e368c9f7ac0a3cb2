"""The world as a template: its rows with a mark wherever a copy differs.

A copy gets ids, numbers, phones and moments of its own, found by what they look like and by the
catalogue's unique indexes, never by a list of columns: a new table is copied like the others.
Ids are UUIDv7: their first six hexadecimal digits count beats of 4 h 40 min. Each copy is a beat
older than the one before it, in its ids, in the days within its numbers and in its past moments,
as if the mall had been at it for years. So new rows come last in every index, as they would.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
from psycopg.rows import dict_row

from bench.growing import tables

BEAT = timedelta(milliseconds=1 << 24)
_PREFIX = 6
_UUID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")
# Numbers that people read: letters for the kind, the Beijing date, ten characters (ADR 0004).
_NUMBER = re.compile(r"\b([A-Z]{1,2})([0-9]{6})([0-9A-HJKMNP-TV-Z]{10})\b")
_BYTES = "\\x"
_HEX, _PHONE, _DIGITS = (
    re.compile(each) for each in (r"[0-9a-f]{32,}", r"1[0-9]{10}", r"[0-9]{12,}")
)
_TOKEN = re.compile(r"\u2039([a-z]+)(?:=([0-9a-f]+))?\u203a")

_COLUMNS = """
    SELECT c.relname AS table, a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
    WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND NOT a.attisdropped
    ORDER BY c.relname, a.attnum
"""
_UNIQUE = """
    SELECT c.relname AS table, i.indisprimary AS is_key, i.indnullsnotdistinct AS meets_in_null,
           coalesce(pg_get_expr(i.indpred, i.indrelid), 'true') AS condition,
           ARRAY(SELECT a.attname FROM unnest(i.indkey) k
                 JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k) AS columns
    FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
    WHERE i.indisunique AND c.relnamespace = 'public'::regnamespace
"""


def mark(kind: str, value: str = "") -> str:
    """Return what stands where a copy differs: the kind of difference, and what it starts from."""
    return f"\u2039{kind}={value}\u203a" if value else f"\u2039{kind}\u203a"


@dataclass(frozen=True)
class Unique:
    """A unique index: what two rows may not share, and of which rows that is asked."""

    columns: list[str]
    condition: str
    is_key: bool
    meets_in_null: bool


@dataclass
class Table:
    """A table: its columns by type, its rows as JSON has them, and which columns differ how."""

    name: str
    columns: dict[str, str]
    rows: list[dict[str, Any]] = field(default_factory=list)
    # Columns with a mark in some row, and the marks.
    marked: dict[str, set[str]] = field(default_factory=dict)
    # Columns of moments that were all over when the template was made: a copy's are older.
    past: set[str] = field(default_factory=set)


@dataclass
class Template:
    """Everything that is copied, and what of the sums each copy adds."""

    tables: dict[str, Table]
    sums: dict[str, Table]

    @property
    def marks(self) -> set[str]:
        """Return every mark that stands in the template."""
        found = (marks for each in self.tables.values() for marks in each.marked.values())
        return set().union(*found)

    @property
    def row_count(self) -> int:
        return sum(len(each.rows) for each in self.tables.values())

    def largest(self, most: int = 12) -> str:
        """Return the tables with most rows."""
        found = sorted(self.tables.values(), key=lambda each: -len(each.rows))[:most]
        return ", ".join(f"{len(each.rows)} {each.name}" for each in found)


class Taking:
    """Reads the world and puts the marks."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self._uniques: dict[str, list[Unique]] = {}
        self._copied_ids: set[str] = set()
        self._words: dict[str, str] = {}

    def take(self) -> Template:
        """Return the template of all that is in the database now."""
        found = self._tables()
        copied = {name: each for name, each in found.items() if tables.is_copied(name)}
        sums = {
            name: Table(name, found[name].columns, self._rows(name, each.rows))
            for name, each in tables.SUMS.items()
        }
        others = [each for name, each in found.items() if name not in copied]
        kept = self._own_ids(others) - self._own_ids(copied.values())
        self._copied_ids = set(self._ids(copied.values())) - kept
        now = datetime.now(UTC)
        for each in copied.values():
            self._find_past(each, now)
        self._find_words(copied.values())
        for each in copied.values():
            for row in each.rows:
                for column, value in row.items():
                    row[column] = self._marked(value)
                    marks = _marks_in(row[column])
                    if marks:
                        each.marked.setdefault(column, set()).update(marks)
        for name, column in tables.NAMING.items():
            copied[name].rows = [row for row in copied[name].rows if _marks_in(row[column])]
        return Template(copied, sums)

    def _tables(self) -> dict[str, Table]:
        with self._connection.cursor(row_factory=dict_row) as cursor:
            found: dict[str, Table] = {}
            for row in cursor.execute(_COLUMNS).fetchall():
                table = found.setdefault(row["table"], Table(row["table"], {}))
                table.columns[row["name"]] = row["type"]
            for row in cursor.execute(_UNIQUE).fetchall():
                self._uniques.setdefault(row.pop("table"), []).append(Unique(**row))
            for table in found.values():
                if tables.is_copied(table.name):
                    table.rows = self._rows(table.name, tables.ROWS.get(table.name, "true"))
                else:
                    rows = cursor.execute(self._only_keys(table)).fetchall()
                    table.rows = [json.loads(each["row"]) for each in rows]
        return found

    def _rows(self, table: str, condition: str) -> list[dict[str, Any]]:
        rows = self._connection.execute(
            f"SELECT row_to_json({table})::text FROM {table} WHERE {condition}"
        )
        return [json.loads(row[0]) for row in rows]

    def _only_keys(self, table: Table) -> str:
        """Return the query of what is looked at of a table that is not copied: its own id."""
        keys = [f"'{each}', t.{each}" for each in self._own_key(table)]
        return f"SELECT json_build_object({', '.join(keys)})::text AS row FROM {table.name} t"

    def _own_key(self, table: Table) -> list[str]:
        """Return the column that is a table's own id, if it has one."""
        for each in self._uniques.get(table.name, []):
            if each.is_key and [table.columns[name] for name in each.columns] == ["uuid"]:
                return each.columns
        return []

    def _own_ids(self, found: Iterable[Table]) -> set[str]:
        return {
            str(row[column])
            for table in found
            for column in self._own_key(table)
            for row in table.rows
        }

    def _ids(self, found: Iterable[Table]) -> Iterator[str]:
        for table in found:
            for column, kind in table.columns.items():
                if kind in ("uuid", "uuid[]"):
                    for row in table.rows:
                        value = row[column]
                        yield from value if isinstance(value, list) else [str(value)]

    def _find_past(self, table: Table, now: datetime) -> None:
        if table.name in tables.PRESENT:
            return
        for column, kind in table.columns.items():
            if kind == "timestamp with time zone":
                moments = [row[column] for row in table.rows if row[column] is not None]
                if moments and all(datetime.fromisoformat(each) <= now for each in moments):
                    table.past.add(column)

    def _find_words(self, found: Iterable[Table]) -> None:
        """Find what else has to differ, lest two copies meet in a unique index: phones, hashes."""
        for table in found:
            rows = tables.ROWS.get(table.name, "true")
            for unique in self._uniques.get(table.name, []):
                for row in self._rows(table.name, f"({unique.condition}) AND {rows}"):
                    if not self._differs(row, unique):
                        value = self._last_text(table, row, unique)
                        self._words[value] = _altered(value, len(self._words))
        if len(set(self._words.values())) < len(self._words):
            raise ValueError("two words of the world would be the same in a copy")

    def _differs(self, row: dict[str, Any], unique: Unique) -> bool:
        """Tell whether the copies of a row never meet in a unique index as they are."""
        values = [row[column] for column in unique.columns]
        if None in values and not unique.meets_in_null:
            return True
        return any(_marks_in(self._marked(value)) for value in values)

    @staticmethod
    def _last_text(table: Table, row: dict[str, Any], unique: Unique) -> str:
        texts = [
            name
            for name in unique.columns
            if table.columns[name] in ("text", "bytea") and row[name]
        ]
        if not texts:
            raise ValueError(f"copies of {table.name} would meet in {unique.columns}")
        return str(row[texts[-1]])

    def _marked(self, value: Any) -> Any:
        if isinstance(value, str):
            if value in self._words:
                return self._words[value]
            return _NUMBER.sub(_number, _UUID.sub(self._id, value))
        if isinstance(value, list):
            return [self._marked(each) for each in value]
        if isinstance(value, dict):
            return {self._marked(name): self._marked(each) for name, each in value.items()}
        return value

    def _id(self, found: re.Match[str]) -> str:
        value = found.group()
        if value not in self._copied_ids:
            return value
        if value[14] == "7":
            return mark("id", value[:_PREFIX]) + value[_PREFIX:]
        return mark("copy") + value[_PREFIX:]


def _number(found: re.Match[str]) -> str:
    letter, day, tail = found.groups()
    return f"{letter}{mark('day', day)}{mark('upper')}{tail[4:]}"


def _altered(value: str, number: int) -> str:
    """Return a word of its own for each copy, of the same shape; this is the world's n-th."""
    if value.startswith(_BYTES):
        return _BYTES + _altered(value.removeprefix(_BYTES), number)
    if _PHONE.fullmatch(value):
        found = f"19{number:04d}{mark('digits')}"
    elif _HEX.fullmatch(value):
        found = f"{'0' * _PREFIX}{mark('copy')}{value[2 * _PREFIX :]}"
    elif _DIGITS.fullmatch(value):
        found = f"9{number:04d}{mark('digits')}{value[10:]}"
    else:
        return f"{value}~{mark('copy')}"
    if value.startswith(found.partition("\u2039")[0]):
        raise ValueError(f"a copy could be the same: {value}")
    return found


def _marks_in(value: Any) -> set[str]:
    spelled = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return {found.group() for found in _TOKEN.finditer(spelled)}


def said(token: str, copy: int) -> str:
    """Return what stands in the place of a mark in the given copy, counted from one."""
    found = _TOKEN.fullmatch(token)
    assert found is not None
    kind, value = found.groups()
    if kind == "id":
        return f"{int(value, 16) - copy:0{_PREFIX}x}"
    if kind == "day":
        own = date(2000 + int(value[:2]), int(value[2:4]), int(value[4:]))
        return f"{own - (copy * BEAT):%y%m%d}"
    if kind == "digits":
        return f"{copy:05d}"
    return f"{copy:0{_PREFIX}x}" if kind == "copy" else f"{copy:04X}"
