"""Rows shown or worked on one by one, so that a bad one hides no other (docs/adr/0031)."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

import psycopg
import structlog
from prometheus_client import Counter
from rq.timeouts import BaseTimeoutException
from sqlalchemy.exc import SQLAlchemyError

log = structlog.get_logger(__name__)
UNREADABLE = Counter(
    "mall_rows_unreadable_total", "Rows left out of a list, by what made it", ["what"]
)
Made = TypeVar("Made")

# What is never about one row: the database's errors lose the whole transaction, a time limit the job.
NOT_OF_A_ROW = (SQLAlchemyError, psycopg.Error, BaseTimeoutException)


def identity(row: Any) -> Any:
    """Return the id of a row, of a mapping, or of the first of several that were read together."""
    if isinstance(row, dict):
        return row.get("id", row.get("sku_id"))
    known = getattr(row, "id", None)
    if known is None and isinstance(row, tuple) and row:
        return identity(row[0])
    return known


def leave_out(what: str, row: Any, error: Exception) -> None:
    """Log and count a row that could not be shown; never what stands in it."""
    UNREADABLE.labels(what).inc()
    log.error("row_unreadable", what=what, id=str(identity(row)), error=type(error).__name__)


@dataclass(frozen=True)
class Unreadable:
    """Stands for a row of which nothing could be made, so that a page ends where it was read to."""

    id: Any


def each_shown(make: Callable[..., Made], found: Iterable[Any], what: str = "") -> list[Made]:
    """Make something of each row; one of which nothing can be made is logged and left out."""
    made = []
    for row in found:
        if isinstance(row, Unreadable):
            continue
        try:
            made.append(make(row))
        except NOT_OF_A_ROW:
            raise
        except Exception as error:
            leave_out(what or _name(make), row, error)
    return made


def _name(make: Any) -> str:
    name = getattr(make, "__qualname__", type(make).__name__)
    return f"{getattr(make, '__module__', '')}.{name}"
