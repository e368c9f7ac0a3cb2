"""One use case, one transaction."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from mall.kernel import clock, outbox
from mall.kernel.db import AutocommitPool, current_pool, db
from mall.kernel.settings import Settings, current_settings
from mall.kernel.together import DeferredWrite, write_together

Witness = Callable[["UnitOfWork"], None]
_witness: Witness | None = None


def set_witness(witness: Witness | None) -> None:
    """Say what is called in every unit of work before it commits, to write down who did it."""
    global _witness
    _witness = witness


@dataclass(frozen=True)
class ActingPerson:
    """Who acts in a unit of work where the request itself does not say so: at a sign-in, an invitation."""

    audience: str
    id: UUID | None
    name: str


class UnitOfWork:
    """The transaction of a use case, the time it started, its settings and its outbox."""

    def __init__(self, session: Session, now: datetime, settings: Settings) -> None:
        self._session = session
        self.now = now
        self.settings = settings
        # For the journal of staff acts: by whom, how it ended, what it did beyond mapped rows.
        self.doer: ActingPerson | None = None
        self.outcome = "done"
        self.notes: list[dict[str, Any]] = []
        self._deliveries: list[dict[str, Any]] = []
        self._deferred: list[DeferredWrite] = []
        self._last: list[DeferredWrite] = []

    @property
    def session(self) -> Session:
        """Return the session; raise RuntimeError while deferred writes wait: it would not see them."""
        if self._deferred:
            names = ", ".join(each.fragment.name for each in self._deferred)
            raise RuntimeError(f"write what was deferred ({names}) before using the session")
        return self._session

    def emit(self, message: Any) -> None:
        """Announce a fact; it is relayed only if this transaction commits."""
        lease = timedelta(seconds=self.settings.lease_seconds)
        self._deliveries.extend(outbox.delivery_rows(message, self.now, lease))

    def note(self, before: Any = None, after: Any = None) -> None:
        """Say for the journal what a statement changed that no mapped row shows."""
        self.notes.append({"before": before, "after": after})

    def defer(self, *writes: DeferredWrite) -> None:
        """Keep writes for one statement with all others that are deferred.

        They are written by `write_deferred` or at the end; until then the session is out of bounds,
        for it would not see them.
        """
        for write in writes:
            if any(write.fragment is each.fragment for each in self._deferred):
                raise RuntimeError(f"{write.fragment.name} is deferred already: write it first")
            self._deferred.append(write)

    def defer_to_end(self, write: DeferredWrite) -> None:
        """Keep a write for the end of the transaction, whatever else it does until then.

        For rows that are locked last, in a use case that goes on reading others.
        """
        self._last.append(write)

    def write_deferred(self) -> None:
        """Write what was deferred as one statement; raise the refusal of the first that disagrees."""
        if self._deferred:
            # Rows that were added come first: a deferred write may refer to them.
            self._session.flush()
            self._write(self._session)

    def _write(self, target: Session | AutocommitPool) -> None:
        if not self._deferred:
            return
        # What decides first is written first; of several the last, for it wraps the others.
        first = [each for each in reversed(self._deferred) if each.is_first]
        writes = [*first, *(each for each in self._deferred if not each.is_first)]
        self._deferred = []
        values = {name: value for each in writes for name, value in each.values.items()}
        refused = write_together(target, tuple(each.fragment for each in writes), values)
        if refused is not None:
            raise next(
                each.refusal or RuntimeError(f"{refused} was refused")
                for each in writes
                if each.fragment.name == refused
            )

    def commit(self) -> None:
        """Write what was announced with what was added, and commit.

        Where that is all, one statement is the whole transaction: locks are held no longer than
        the database itself works.
        """
        if _witness is not None:
            # It looks at rows of the session only, and may change some: they come first.
            deferred, self._deferred = self._deferred, []
            _witness(self)
            self._deferred = deferred + self._deferred
        for write in self._last:
            if any(write.fragment is each.fragment for each in self._deferred):
                self.write_deferred()
            self.defer(write)
        if self._deliveries:
            self.defer(outbox.writing(self._deliveries))
        if self._session.in_transaction():
            self.write_deferred()
            self._session.commit()
        else:
            # Nothing was read under a lock, so the one statement is a transaction by itself.
            self._write(current_pool())

    def ring(self) -> None:
        """Tell the relay what was committed."""
        outbox.ring_doorbell([(row["queue"], row["id"]) for row in self._deliveries])


@contextmanager
def unit_of_work() -> Iterator[UnitOfWork]:
    """Commit on a clean exit and roll back on any error. Never nests."""
    session = db.session()
    if session.info.get("in_use_case"):
        raise RuntimeError("a use case may not open a second transaction")
    # The session is shared by the whole request, so a nested use case would commit the outer one's
    # half.
    session.info["in_use_case"] = True
    uow = UnitOfWork(session, clock.now(), current_settings())
    try:
        yield uow
        uow.commit()
    except BaseException:
        session.rollback()
        raise
    finally:
        session.info["in_use_case"] = False
    # After the commit only: a worker must not look for what is not there yet.
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


@contextmanager
def reading_one_instant() -> Iterator[Session]:
    """Lend the session for reading what must add up: everything is of one instant."""
    with reading() as session:
        session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"))
        yield session
