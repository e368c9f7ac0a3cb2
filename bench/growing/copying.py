"""Multiplies the world of a database by set-based SQL."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import psycopg

from bench.growing import tables
from bench.growing.template import BEAT, Table, Template, said
from orders.programmes.queries import STEP_HASH

# Copies that one statement writes: of the widest tables a few hundred thousand rows.
CHUNK = 250
SCHEMA = "growth"
_TEXT, _JSON = "text", "jsonb"


class Copier:
    """Writes copies of a template into the database that it was taken from."""

    def __init__(self, url: str, template: Template) -> None:
        self._url = url
        self._template = template
        self._marks = {token: f"m{n}" for n, token in enumerate(sorted(template.marks))}

    def copy(self, count: int) -> float:
        """Write so many copies, the oldest first; return how many seconds it took."""
        began = time.monotonic()
        with self._connect() as connection:
            self._plant(connection, count)
        last = count
        while last > 0:
            first = max(1, last - CHUNK + 1)
            # Largest first, so that both processors end at about the same time.
            order = sorted(self._template.tables.values(), key=lambda each: -len(each.rows))
            with ThreadPoolExecutor(2) as pool:
                list(pool.map(partial(self._fill, first, last), order))
            last = first - 1
        with self._connect() as connection:
            self._add_up(connection, count)
            self._sign_again(connection)
            for statement in tables.ANEW:
                connection.execute(statement)
            connection.execute(f"DROP SCHEMA {SCHEMA} CASCADE")
        return time.monotonic() - began

    def _connect(self) -> psycopg.Connection[Any]:
        # What is append-only stays so for everybody else; copies of whole rows need no other check.
        return psycopg.connect(
            self._url, options="-c session_replication_role=replica -c work_mem=64MB"
        )

    def _plant(self, connection: psycopg.Connection[Any], count: int) -> None:
        connection.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")
        connection.execute(f"CREATE SCHEMA {SCHEMA}")
        marks = ", ".join(f"{name} text" for name in self._marks.values())
        connection.execute(f"CREATE TABLE {SCHEMA}.copy (number int PRIMARY KEY, {marks})")
        with connection.cursor().copy(f"COPY {SCHEMA}.copy FROM STDIN") as copy:
            for number in range(1, count + 1):
                copy.write_row((number, *(said(token, number) for token in self._marks)))
        named = {
            **self._template.tables,
            **{f"{name}_sum": each for name, each in self._template.sums.items()},
        }
        for name, table in named.items():
            columns = ", ".join(
                f'"{column}" {_TEXT if column in table.marked else kind}'
                for column, kind in table.columns.items()
            )
            connection.execute(f"CREATE TABLE {SCHEMA}.{name} ({columns})")
            with connection.cursor() as cursor:
                cursor.executemany(
                    f"INSERT INTO {SCHEMA}.{name} SELECT * FROM"
                    f" json_populate_record(NULL::{SCHEMA}.{name}, %s::json)",
                    [(spelled,) for spelled in _spelled(table)],
                )
        connection.execute("ANALYZE")

    def _fill(self, first: int, last: int, table: Table) -> None:
        if not table.rows:
            return
        columns = ", ".join(f'"{name}"' for name in table.columns)
        values = ", ".join(self._value(table, name) for name in table.columns)
        with self._connect() as connection:
            connection.execute(
                f"INSERT INTO {table.name} ({columns}) SELECT {values}"
                f" FROM {SCHEMA}.copy c CROSS JOIN {SCHEMA}.{table.name} t"
                " WHERE c.number BETWEEN %s AND %s ORDER BY c.number DESC",
                (first, last),
            )

    def _value(self, table: Table, column: str) -> str:
        kind = table.columns[column]
        if column in table.past:
            return f"t.\"{column}\" - c.number * interval '{BEAT.total_seconds()} seconds'"
        if column not in table.marked:
            return f't."{column}"'
        value = f't."{column}"'
        for token in sorted(table.marked[column]):
            value = f"replace({value}, '{token}', c.{self._marks[token]})"
        if kind.endswith("[]"):
            items = f"jsonb_array_elements_text(CAST({value} AS jsonb))"
            return f"CAST(ARRAY(SELECT {items}) AS {kind})"
        return value if kind == _TEXT else f"CAST({value} AS {kind})"

    def _add_up(self, connection: psycopg.Connection[Any], count: int) -> None:
        """Let the rows that hold sums hold those of the copies as well."""
        for name, each in tables.SUMS.items():
            table = self._template.sums[name]
            same = " AND ".join(
                f"s.{column} = t.{column}" for column in self._key(connection, table)
            )
            sums = ", ".join(f"{x} = s.{x} + {count} * t.{x}" for x in each.columns)
            connection.execute(
                f"UPDATE {name} s SET {sums} FROM {SCHEMA}.{name}_sum t WHERE {same}"
            )

    @staticmethod
    def _key(connection: psycopg.Connection[Any], table: Table) -> list[str]:
        rows = connection.execute(
            "SELECT a.attname FROM pg_index i CROSS JOIN unnest(i.indkey) k"
            " JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k"
            " WHERE i.indisprimary AND i.indrelid = CAST(%s AS regclass)",
            (table.name,),
        )
        return [row[0] for row in rows]

    @staticmethod
    def _sign_again(connection: psycopg.Connection[Any]) -> None:
        """Sign the copies of programmes' steps: a signature is over ids and moments."""
        last = connection.execute("SELECT coalesce(max(number), 0) FROM programme_event").fetchone()
        for number in range(1, (last or (0,))[0] + 1):
            connection.execute(
                "UPDATE programme_event e SET previous_hash = coalesce("
                "(SELECT p.hash FROM programme_event p WHERE p.programme_id = e.programme_id"
                " AND p.number = e.number - 1), repeat('0', 64)) WHERE number = %s",
                (number,),
            )
            connection.execute(
                f"UPDATE programme_event e SET hash = {STEP_HASH} WHERE number = {number}"
            )
        connection.execute(
            "UPDATE programme p SET last_hash = e.hash FROM programme_event e"
            " WHERE e.programme_id = p.id AND e.number = p.event_count"
        )


def _spelled(table: Table) -> Iterator[str]:
    """Return the rows of a template; what differs is text until it is a copy's."""
    for row in table.rows:
        yield json.dumps(
            {
                name: value
                if name not in table.marked or value is None or isinstance(value, str)
                else json.dumps(value, ensure_ascii=False)
                for name, value in row.items()
            },
            ensure_ascii=False,
        )
