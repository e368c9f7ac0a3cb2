"""Sweeps act row by row, each in a transaction of its own: what fails stops no other."""

from collections.abc import Callable, Iterable
from typing import TypeVar

import structlog
from prometheus_client import Counter
from rq.timeouts import BaseTimeoutException

from mall.kernel import clock
from mall.kernel.errors import DomainError

log = structlog.get_logger(__name__)
FAILURES = Counter("mall_sweep_failures_total", "Rows that a sweep could not work on", ["sweep"])
Item = TypeVar("Item")


def note_failure(sweep: str, item: object, error: Exception) -> None:
    """Log and count what a sweep could not do; a job's time limit is passed on."""
    if isinstance(error, BaseTimeoutException):
        raise error
    if isinstance(error, DomainError):
        log.warning("sweep_refused", sweep=sweep, item=str(item), code=error.code)
        return
    FAILURES.labels(sweep).inc()
    log.exception("sweep_failed", sweep=sweep, item=str(item))


def one_by_one(
    sweep: str, items: Iterable[Item], act: Callable[[Item], bool | int], seconds: float = 20
) -> int:
    """Act on each item for a while; return of how many `act` says that it did something."""
    done = 0
    for item in clock.within(seconds, items):
        try:
            done += act(item)
        except Exception as error:
            note_failure(sweep, item, error)
    return done
