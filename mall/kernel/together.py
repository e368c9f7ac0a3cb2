"""Reads and writes of several features in one statement each (docs/adr/0008).

They go straight to the driver: SQLAlchemy's own share of a statement is larger than PostgreSQL's.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import UUID

import orjson
import psycopg
from sqlalchemy.orm import Session

from mall.kernel.db import AutocommitPool, Base, driver_sql
from mall.kernel.errors import DomainError

Rows = list[dict[str, Any]]
# What `mall_refuse` raises (migration 0002).
REFUSED_SQLSTATE = "MA001"


@dataclass(frozen=True)
class Read:
    """A query that can travel with others; parameter names must be its own.

    `build` gets the rows as JSON gives them: identifiers and times are text.
    """

    sql: str
    values: Mapping[str, Any]
    build: Callable[[Rows], Any]


@dataclass(frozen=True)
class WriteFragment:
    """The SQL that a feature contributes to a combined write.

    `ctes` are common table expressions, comma-separated, whose names and parameters must be its
    own; `must` is the condition on which the feature agrees to what happened.
    """

    name: str
    ctes: str
    must: str = "true"


@dataclass(frozen=True, eq=False)
class DeferredWrite:
    """A fragment with its values, to be written with the others of its transaction.

    A feature returns it; the caller hands it to `UnitOfWork.defer`. Where the fragment does not
    agree to what happened, writing raises `refusal`. One that `is_first` decides before the others.
    """

    fragment: WriteFragment
    values: Mapping[str, Any]
    refusal: DomainError | None = None
    is_first: bool = False


@lru_cache(256)
def _reading(queries: tuple[str, ...]) -> bytes:
    columns = (f"(SELECT CAST(json_agg(r) AS text) FROM ({sql}) r)" for sql in queries)
    return driver_sql("SELECT " + ", ".join(columns))


@lru_cache(256)
def _writing(fragments: tuple[WriteFragment, ...]) -> bytes:
    # All of it is one statement: what one part has done, the others do not see.
    ctes = ", ".join(each.ctes.strip() for each in fragments)
    agreed = (f"CASE WHEN {s.must} THEN true ELSE mall_refuse('{s.name}') END" for s in fragments)
    return driver_sql(f"WITH {ctes} SELECT {', '.join(agreed)}")


def _row(session: Session, statement: bytes, values: Mapping[str, Any]) -> tuple[Any, ...]:
    connection: Any = session.connection().connection.driver_connection
    row: tuple[Any, ...] = connection.execute(statement, values).fetchone()
    return row


def read_together(source: Session | AutocommitPool, *reads: Read) -> list[Any]:
    """Send all reads as one statement and return what each builds of its rows.

    Read from the open transaction, or directly where none is needed.
    """
    values: dict[str, Any] = {}
    for read in reads:
        values.update(read.values)
    statement = _reading(tuple(read.sql for read in reads))
    if isinstance(source, AutocommitPool):
        row = source.read(statement, values) or ()
    else:
        row = _row(source, statement, values)
    return [
        read.build(orjson.loads(column) if column else [])
        for read, column in zip(reads, row, strict=True)
    ]


def write_together(
    target: Session | AutocommitPool,
    fragments: tuple[WriteFragment, ...],
    values: Mapping[str, Any],
) -> str | None:
    """Send all fragments as one statement; return the name of the first that did not agree.

    Sent directly the statement is a transaction of its own. Where one did not agree the
    transaction is lost, and nothing of it is kept.
    """
    statement = _writing(fragments)
    try:
        if isinstance(target, AutocommitPool):
            target.write(statement, values)
        else:
            _row(target, statement, values)
    except psycopg.DatabaseError as error:
        if error.sqlstate == REFUSED_SQLSTATE:
            return error.diag.message_primary
        raise
    return None


def inserting(model: type[Base], parameter: str) -> str:
    """Return the insertion of rows, given as JSON, into the columns that this release knows.

    A newer schema may have more of them (docs/adr/0039): these get their defaults.
    """
    names = ", ".join(column.name for column in model.__table__.columns)
    rows = given_rows(model, parameter)
    return f"INSERT INTO {model.__tablename__} ({names}) SELECT {names} FROM {rows}"


def given_rows(model: type[Base], parameter: str) -> str:
    """Return rows, given as JSON, as a table like the model's."""
    name = model.__tablename__
    return f"jsonb_populate_recordset(CAST(NULL AS {name}), CAST(:{parameter} AS jsonb))"


def array(items: list[UUID] | list[int]) -> str:
    """Return an array as PostgreSQL reads it; cheaper than the driver's own conversion."""
    return "{" + ",".join(map(str, items)) + "}"


def document(value: Any) -> str:
    """Return JSON text, identifiers and times as strings."""
    return orjson.dumps(value, default=str).decode()
