"""The database: SQLAlchemy for everyday work, plain connections for single hot statements."""

import re
from collections import deque
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeVar
from uuid import UUID

import psycopg
from flask import current_app
from flask_sqlalchemy import SQLAlchemy
from psycopg.pq import TransactionStatus
from sqlalchemy import BigInteger, DateTime, MetaData, Select, Text, event, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Session

from mall.kernel.errors import LimitReached
from mall.kernel.rows import times
from mall.kernel.text import canonical

times.install()

NAMING = {
    "ix": "ix_%(column_0_N_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """The declarative base of every table."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB,
        list[Any]: JSONB,
        str: Text,
        int: BigInteger,
    }


Model = TypeVar("Model", bound=type[Base])


def names_by(attribute: str) -> Callable[[Model], Model]:
    """Let a mapped class keep in `name_key` that by which its name is compared with others."""

    def decorate(model: Model) -> Model:
        @event.listens_for(getattr(model, attribute), "set")
        def follow(row: Any, name: str, *_: Any) -> None:
            row.name_key = canonical.key(name)

        return model

    return decorate


# The extension lends sessions and engines; the tables belong to Base alone.
db = SQLAlchemy(disable_autonaming=True)

# Every wait has a limit: a process that waits on a lock would wait for ever.
CONNECT_OPTIONS = (
    "-c lock_timeout=5000 -c statement_timeout=60000"
    " -c idle_in_transaction_session_timeout=60000 -c timezone=UTC"
)
CONNECT_SECONDS = 5
_PARAMETER = re.compile(r"(?<![:\w]):([a-z_]+)")
_SPACE = re.compile(r"\s+")


@lru_cache(512)
def driver_sql(sql: str) -> bytes:
    """Return SQL with `:name` parameters as the driver takes it, on one line.

    The driver keeps what it learnt of a statement only up to 4,096 characters.
    """
    return _PARAMETER.sub(r"%(\1)s", _SPACE.sub(" ", sql.replace("%", "%%")).strip()).encode()


def driver_url(database_url: str) -> str:
    """Return SQLAlchemy's address of the database as the driver itself takes it."""
    return database_url.replace("postgresql+psycopg://", "postgresql://")


class AutocommitPool:
    """Plain driver connections in autocommit: each thread at work borrows one (docs/adr/0008).

    There are as many connections as threads ever asked at once.
    """

    def __init__(self, database_url: str) -> None:
        self._url = driver_url(database_url)
        self._idle: deque[psycopg.Cursor[Any]] = deque()

    def read(self, statement: bytes, values: Mapping[str, Any]) -> tuple[Any, ...] | None:
        """Return the first row, or None; asked once more where a kept connection had broken."""
        try:
            return self._ask(statement, values)
        except psycopg.OperationalError as error:
            if error.sqlstate is not None and not error.sqlstate.startswith("57P"):
                raise
            self.close()
            return self._ask(statement, values)

    def write(self, statement: bytes, values: Mapping[str, Any]) -> None:
        """Send a statement that changes something: once, whatever happens."""
        self._ask(statement, values)

    def _ask(self, statement: bytes, values: Mapping[str, Any]) -> tuple[Any, ...] | None:
        try:
            cursor = self._idle.pop()
        except IndexError:
            connection = psycopg.connect(
                self._url, autocommit=True, options=CONNECT_OPTIONS, connect_timeout=CONNECT_SECONDS
            )
            # Kept with its connection: a new one for each statement is a tenth of its cost.
            cursor = connection.cursor()
        try:
            row: tuple[Any, ...] | None = cursor.execute(statement, values).fetchone()
        except BaseException:
            # A refused statement leaves the connection idle; one cut off in the middle, by a job's
            # time-out for example, leaves it of no use to the next.
            if cursor.connection.info.transaction_status == TransactionStatus.IDLE:
                self._idle.append(cursor)
            else:
                cursor.connection.close()
            raise
        self._idle.append(cursor)
        return row

    def close(self) -> None:
        """Close the connections that nobody uses at this moment."""
        while self._idle:
            self._idle.pop().connection.close()


def current_pool() -> AutocommitPool:
    """Return the direct connections of the application at work."""
    found: AutocommitPool = current_app.extensions["mall_pool"]
    return found


def delete_some(
    session: Session, table: str, condition: str, values: Mapping[str, Any], limit: int = 10_000
) -> int:
    """Delete rows that meet a condition, at most `limit` of them, and return how many."""
    chosen = f"SELECT ctid FROM {table} WHERE {condition} LIMIT :limit"
    statement = text(f"DELETE FROM {table} WHERE ctid = ANY(ARRAY({chosen}))")
    result = session.execute(statement, {**values, "limit": limit})
    return int(getattr(result, "rowcount", 0))


_TURN = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")


def hold_turn(session: Session, kind: str, owner: UUID | str | None) -> None:
    """Let whoever else adds this kind of thing to this owner wait until the transaction ends."""
    session.execute(_TURN, {"name": f"limit:{kind}:{owner}"})


def check_limit(
    session: Session, owner: tuple[str, UUID | str | None], counting: Select[Any], limit: int
) -> None:
    """Raise LimitReached where an owner has so many of a kind already.

    Who comes second waits for the first and counts what it added: a count without the lock lets
    both in.
    """
    hold_turn(session, *owner)
    if (session.scalar(counting) or 0) >= limit:
        raise LimitReached(limit=limit)
