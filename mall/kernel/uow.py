"""One use case, one transaction."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from mall.kernel import clock, outbox
from mall.kernel.db import Direct, current_direct, db
from mall.kernel.errors import DomainError
from mall.kernel.settings import Settings, current_settings
from mall.kernel.together import Share, write_together

Witness = Callable[["UnitOfWork"], None]
_witness: Witness | None = None


def set_witness(witness: Witness | None) -> None:
    """Say what is called in every unit of work before it commits, to write down who did it."""
    global _witness
    _witness = witness


@dataclass(frozen=True)
class Doer:
    """Whose act a unit of work is, where the request does not say so: a sign-in, an invitation."""

    audience: str
    id: UUID | None
    name: str


class UnitOfWork:
    """The transaction of a use case, the time it started, its settings and its outbox."""

    def __init__(self, session: Session, now: datetime, settings: Settings) -> None:
        self.session = session
        self.now = now
        self.settings = settings
        # For the journal of staff acts: by whom, how it ended, what it did beyond mapped rows.
        self.doer: Doer | None = None
        self.outcome = "done"
        self.notes: list[dict[str, Any]] = []
        self._deliveries: list[dict[str, Any]] = []
        self._refusals: dict[Share, DomainError | None] = {}
        self._values: dict[str, Any] = {}

    def emit(self, message: Any) -> None:
        """Announce a fact; it is relayed only if this transaction commits."""
        lease = timedelta(seconds=self.settings.lease_seconds)
        self._deliveries.extend(outbox.delivery_rows(message, self.now, lease))

    def note(self, before: Any = None, after: Any = None) -> None:
        """Say for the journal what a statement changed that no mapped row shows."""
        self.notes.append({"before": before, "after": after})

    def add(
        self,
        share: Share,
        values: Mapping[str, Any],
        refusal: DomainError | None = None,
        is_first: bool = False,
    ) -> None:
        """Let a share travel with the others of this transaction, before them if it must decide first.

        Where it does not agree to what happened, sending raises `refusal`.
        """
        if share in self._refusals:
            self.send()
        mine = {share: refusal}
        self._refusals = {**mine, **self._refusals} if is_first else {**self._refusals, **mine}
        self._values.update(values)

    def send(self, target: Session | Direct | None = None) -> None:
        """Send what was added as one statement; raise the refusal of the first that disagrees."""
        if not self._refusals:
            return
        refusals, values = self._refusals, self._values
        self._refusals, self._values = {}, {}
        if target is None:
            self.session.flush()
        refused = write_together(target or self.session, tuple(refusals), values)
        if refused is not None:
            raise next(
                refusal or RuntimeError(f"{refused} was refused")
                for share, refusal in refusals.items()
                if share.name == refused
            )

    def commit(self) -> None:
        """Write what was announced with what was added, and commit.

        Where that is all, one statement is the whole transaction: locks are held no longer than
        the database itself works.
        """
        if _witness is not None:
            _witness(self)
        if self._deliveries:
            self.add(outbox.WRITE, outbox.values(self._deliveries))
        if self.session.in_transaction():
            self.send()
            self.session.commit()
        else:
            self.send(current_direct())

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
        uow.commit()
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


@contextmanager
def reading_one_instant() -> Iterator[Session]:
    """Lend the session for reading what must add up: everything is of one instant."""
    with reading() as session:
        session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"))
        yield session
