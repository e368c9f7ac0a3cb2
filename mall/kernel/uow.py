"""One use case, one transaction."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from mall.kernel import clock, outbox
from mall.kernel.db import db
from mall.kernel.settings import Settings, current_settings
from mall.kernel.together import Share, write_together


class UnitOfWork:
    """The open transaction, the time it started, its settings and its outbox."""

    def __init__(self, session: Session, now: datetime, settings: Settings) -> None:
        self.session = session
        self.now = now
        self.settings = settings
        self._deliveries: list[dict[str, Any]] = []
        self._shares: list[Share] = []
        self._values: dict[str, Any] = {}
        self._checks: list[Callable[[Any], None] | None] = []

    def emit(self, message: Any) -> None:
        """Announce a fact; it is relayed only if this transaction commits."""
        lease = timedelta(seconds=self.settings.lease_seconds)
        self._deliveries.extend(outbox.delivery_rows(message, self.now, lease))

    def add(
        self, share: Share, values: Mapping[str, Any], check: Callable[[Any], None] | None = None
    ) -> None:
        """Let a share travel with the others of this transaction; `check` judges its result."""
        if share in self._shares:
            self.send()
        self._shares.append(share)
        self._values.update(values)
        self._checks.append(check)

    def send(self) -> None:
        """Send what was added as one statement; raise what the first refusing check raises."""
        if not self._shares:
            return
        shares, values, checks = tuple(self._shares), self._values, self._checks
        self._shares, self._values, self._checks = [], {}, []
        self.session.flush()
        results = write_together(self.session, shares, values)
        for check, found in zip(checks, results, strict=True):
            if check is not None:
                check(found)

    def finish(self) -> None:
        """Write what was announced with what was added; called just before the commit."""
        if self._deliveries:
            self.add(outbox.WRITE, outbox.values(self._deliveries))
        self.send()

    def ring(self) -> None:
        """Tell the relay what was committed."""
        outbox.ring_doorbell([(row["queue"], row["id"]) for row in self._deliveries])


@contextmanager
def unit_of_work() -> Iterator[UnitOfWork]:
    """Commit on a clean exit and roll back on any error. Never nests."""
    session = db.session()
    if session.info.get("in_use_case"):
        raise RuntimeError("a use case may not open a second transaction")
    session.info["in_use_case"] = True
    uow = UnitOfWork(session, clock.now(), current_settings())
    try:
        yield uow
        uow.finish()
        session.commit()
    except BaseException:
        session.rollback()
        raise
    finally:
        session.info["in_use_case"] = False
    uow.ring()


@contextmanager
def reading() -> Iterator[Session]:
    """Lend the session for reading and end its transaction afterwards."""
    session = db.session()
    if session.info.get("in_use_case"):
        raise RuntimeError("read through the unit of work inside a use case")
    try:
        yield session
    finally:
        session.rollback()
