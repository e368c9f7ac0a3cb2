"""One use case, one transaction."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from mall.kernel import clock, outbox
from mall.kernel.db import db
from mall.kernel.settings import Settings, current_settings


class UnitOfWork:
    """The open transaction, the time it started, its settings and its outbox."""

    def __init__(self, session: Session, now: datetime, settings: Settings) -> None:
        self.session = session
        self.now = now
        self.settings = settings
        self._deliveries: list[dict[str, Any]] = []

    def emit(self, message: Any) -> None:
        """Announce a fact; it is relayed only if this transaction commits."""
        lease = timedelta(seconds=self.settings.lease_seconds)
        self._deliveries.extend(outbox.delivery_rows(message, self.now, lease))

    def write_outbox(self) -> None:
        """Write what was announced; the unit of work calls it just before the commit."""
        outbox.write(self.session, self._deliveries)

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
        uow.write_outbox()
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
