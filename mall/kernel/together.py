"""Reads and writes of several features in one statement each (docs/adr/0008).

They go straight to the driver: SQLAlchemy's own share of a statement is larger than PostgreSQL's.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import UUID

import orjson
from psycopg.pq import TransactionStatus
from sqlalchemy.orm import Session

Rows = list[dict[str, Any]]
_PARAMETER = re.compile(r"(?<![:\w]):([a-z_]+)")
_SPACE = re.compile(r"\s+")


@dataclass(frozen=True)
class Read:
    """A query that can travel with others; parameter names must be its own.

    `build` gets the rows as JSON gives them: identifiers and times are text.
    """

    sql: str
    values: Mapping[str, Any]
    build: Callable[[Rows], Any]


@dataclass(frozen=True)
class Share:
    """What a feature contributes to a combined write.

    `ctes` are common table expressions, comma-separated, whose names and parameters must be its
    own; `result` is the expression by which the feature judges what happened.
    """

    ctes: str
    result: str = "NULL"


def driver_sql(sql: str) -> bytes:
    """Return SQL with `:name` parameters as the driver takes it, on one line.

    The driver keeps what it learnt of a statement only up to 4,096 characters.
    """
    return _PARAMETER.sub(r"%(\1)s", _SPACE.sub(" ", sql.replace("%", "%%")).strip()).encode()


@lru_cache(256)
def _reading(queries: tuple[str, ...]) -> bytes:
    columns = (f"(SELECT CAST(json_agg(r) AS text) FROM ({sql}) r)" for sql in queries)
    return driver_sql("SELECT " + ", ".join(columns))


@lru_cache(256)
def _writing(shares: tuple[Share, ...]) -> bytes:
    ctes = ", ".join(share.ctes.strip() for share in shares)
    return driver_sql(f"WITH {ctes} SELECT {', '.join(share.result for share in shares)}")


# Planning a combined statement anew costs more than running it, and its plan never depends on
# the values. The setting travels with the transaction's begin and its first statement.
_PLAN_ONCE = b"SET LOCAL plan_cache_mode = force_generic_plan"


def _execute(session: Session, statement: bytes, values: Mapping[str, Any]) -> tuple[Any, ...]:
    connection: Any = session.connection().connection.driver_connection
    if connection.info.transaction_status != TransactionStatus.IDLE:
        row: tuple[Any, ...] = connection.execute(statement, values).fetchone()
        return row
    with connection.pipeline():
        connection.execute(_PLAN_ONCE)
        row = connection.execute(statement, values).fetchone()
    return row


def read_together(session: Session, *reads: Read) -> list[Any]:
    """Send all reads as one statement and return what each builds of its rows."""
    values: dict[str, Any] = {}
    for read in reads:
        values.update(read.values)
    row = _execute(session, _reading(tuple(read.sql for read in reads)), values)
    return [
        read.build(orjson.loads(column) if column else [])
        for read, column in zip(reads, row, strict=True)
    ]


def write_together(
    session: Session, shares: tuple[Share, ...], values: Mapping[str, Any]
) -> tuple[Any, ...]:
    """Send all shares as one statement and return each one's result."""
    return _execute(session, _writing(shares), values)


def array(items: list[UUID] | list[int]) -> str:
    """Return an array as PostgreSQL reads it; cheaper than the driver's own conversion."""
    return "{" + ",".join(map(str, items)) + "}"


def document(value: Any) -> str:
    """Return JSON text, identifiers and times as strings."""
    return orjson.dumps(value, default=str).decode()
