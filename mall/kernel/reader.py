"""Single SELECTs of the hottest paths: plain driver connections in autocommit, few and kept."""

from collections import deque
from collections.abc import Mapping
from typing import Any

import psycopg
from flask import current_app

from mall.kernel.db import CONNECT_OPTIONS
from mall.kernel.together import driver_sql

CONNECT_SECONDS = 5


class Reader:
    """Answers one statement at a time; each thread at work uses a connection of its own.

    There are as many connections as threads ever asked at once. One that broke is dropped, and
    the statement, which only reads, is asked once more on a fresh one.
    """

    def __init__(self, database_url: str) -> None:
        self._url = database_url.replace("postgresql+psycopg://", "postgresql://")
        self._idle: deque[psycopg.Connection[Any]] = deque()
        self._known: dict[str, bytes] = {}

    def first(self, sql: str, values: Mapping[str, Any]) -> tuple[Any, ...] | None:
        """Return the first row, or None; `sql` names its parameters as `:name`."""
        statement = self._known.get(sql)
        if statement is None:
            statement = self._known[sql] = driver_sql(sql)
        try:
            return self._ask(statement, values)
        except psycopg.OperationalError as error:
            if isinstance(error, psycopg.errors.QueryCanceled):
                raise
            self.close()
            return self._ask(statement, values)

    def _ask(self, statement: bytes, values: Mapping[str, Any]) -> tuple[Any, ...] | None:
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = psycopg.connect(
                self._url, autocommit=True, options=CONNECT_OPTIONS, connect_timeout=CONNECT_SECONDS
            )
        try:
            row: tuple[Any, ...] | None = connection.execute(statement, values).fetchone()
        except BaseException:
            connection.close()
            raise
        self._idle.append(connection)
        return row

    def close(self) -> None:
        """Close the connections that nobody uses at this moment."""
        while self._idle:
            self._idle.pop().close()


def current_reader() -> Reader:
    """Return the reader of the application at work."""
    found: Reader = current_app.extensions["mall_reader"]
    return found
