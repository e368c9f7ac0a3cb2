"""Single statements straight to the driver, each a transaction of its own (docs/adr/0008)."""

import re
from collections import deque
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import psycopg
from flask import current_app

from mall.kernel.db import CONNECT_OPTIONS

CONNECT_SECONDS = 5
_PARAMETER = re.compile(r"(?<![:\w]):([a-z_]+)")
_SPACE = re.compile(r"\s+")


@lru_cache(512)
def driver_sql(sql: str) -> bytes:
    """Return SQL with `:name` parameters as the driver takes it, on one line.

    The driver keeps what it learnt of a statement only up to 4,096 characters.
    """
    return _PARAMETER.sub(r"%(\1)s", _SPACE.sub(" ", sql.replace("%", "%%")).strip()).encode()


class Direct:
    """Plain driver connections in autocommit: each thread at work borrows one.

    There are as many connections as threads ever asked at once.
    """

    def __init__(self, database_url: str) -> None:
        self._url = database_url.replace("postgresql+psycopg://", "postgresql://")
        self._idle: deque[psycopg.Connection[Any]] = deque()

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
            connection = self._idle.pop()
        except IndexError:
            connection = psycopg.connect(
                self._url, autocommit=True, options=CONNECT_OPTIONS, connect_timeout=CONNECT_SECONDS
            )
        try:
            row: tuple[Any, ...] | None = connection.execute(statement, values).fetchone()
        finally:
            if connection.closed:
                connection.close()
            else:
                self._idle.append(connection)
        return row

    def close(self) -> None:
        """Close the connections that nobody uses at this moment."""
        while self._idle:
            self._idle.pop().close()


def current_direct() -> Direct:
    """Return the direct connections of the application at work."""
    found: Direct = current_app.extensions["mall_direct"]
    return found
