"""Messages written with the change they announce, one row for each reaction to them.

A row is a delivery: it is done only when the reaction's own transaction says so, so that a
lost queue or a killed worker costs a delay and never an event (docs/adr/0003).
"""

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, Protocol
from uuid import UUID

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from mall.kernel.db import Base
from mall.kernel.ids import new_id
from mall.kernel.together import DeferredWrite, WriteFragment, document

MAX_ATTEMPTS = 8
MAX_ERROR_LENGTH = 2000
PENDING, DONE, PARKED, DROPPED = "pending", "done", "parked", "dropped"


class Message(Protocol):
    """A fact in the past tense: a frozen dataclass of ids and other JSON values."""

    __dataclass_fields__: ClassVar[dict[str, Any]]


@dataclass(frozen=True)
class Reaction:
    """What answers messages: a function of (uow, messages), and the queue it runs on.

    It gets what waits together, once or more often, and must answer each message once.
    """

    handle: Callable[..., None]
    queue: str = "fulfillment"

    @property
    def name(self) -> str:
        """Return the dotted name stored in the outbox; renaming a handler needs a migration."""
        return f"{self.handle.__module__}.{self.handle.__qualname__}"


class OutboxDelivery(Base):
    """One message on its way to one reaction."""

    __tablename__ = "outbox_delivery"
    __table_args__ = (
        # Only open rows are indexed: the sweep stays fast over years of finished ones.
        Index("ix_outbox_delivery_open", "due_at", postgresql_where=text("state = 'pending'")),
        Index("ix_outbox_delivery_parked", "id", postgresql_where=text("state = 'parked'")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    topic: Mapped[str]
    payload: Mapped[dict[str, Any]]
    handler: Mapped[str]
    queue: Mapped[str]
    state: Mapped[str] = mapped_column(default=PENDING)
    attempts: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]
    done_at: Mapped[datetime | None]
    last_error: Mapped[str | None]
    # What an operator made of it, and why.
    decided_by: Mapped[str | None]
    decided_at: Mapped[datetime | None]
    note: Mapped[str | None]


class Registry:
    """Which reactions answer which message, filled once by the wiring."""

    def __init__(self) -> None:
        self._reactions: dict[str, list[Reaction]] = {}
        self._types: dict[str, type] = {}
        self._by_name: dict[str, Reaction] = {}

    def connect(self, table: Mapping[type, Iterable[Reaction]]) -> None:
        """Add a package's reactions; connecting the same one again changes nothing."""
        for message_type, reactions in table.items():
            self._types[message_type.__name__] = message_type
            # Deliveries written before a rename, or by a process of the release before, are still
            # understood. A message's `former_topic` goes in the release after the rename's.
            former = getattr(message_type, "former_topic", None)
            if former is not None:
                self._types[former] = message_type
            known = self._reactions.setdefault(message_type.__name__, [])
            for reaction in reactions:
                self._by_name[reaction.name] = reaction
                if reaction not in known:
                    known.append(reaction)

    def reactions_to(self, topic: str) -> list[Reaction]:
        """Return the reactions to a topic; none is an answer."""
        return self._reactions.get(topic, [])

    def reaction(self, name: str) -> Reaction:
        """Return the reaction of that dotted name, or raise KeyError."""
        return self._by_name[name]

    def understands(self, topic: str, payload: Mapping[str, Any], handler: str) -> bool:
        """Tell whether this release knows a message with these fields, and the reaction to it.

        A newer one may have announced it (docs/adr/0039).
        """
        known = self._types.get(topic)
        if known is None or handler not in self._by_name:
            return False
        return set(payload) <= {field.name for field in dataclasses.fields(known)}

    def message(self, topic: str, payload: Mapping[str, Any]) -> Any:
        """Rebuild a message from its stored form."""
        return self._types[topic](**payload)

    @property
    def topics(self) -> set[str]:
        return set(self._reactions)


registry = Registry()
_doorbell: Callable[[list[tuple[str, UUID]]], None] | None = None


def set_doorbell(ring: Callable[[list[tuple[str, UUID]]], None] | None) -> None:
    """Say who is told of fresh deliveries after a commit; None: the sweep alone finds them."""
    global _doorbell
    _doorbell = ring


def ring_doorbell(deliveries: list[tuple[str, UUID]]) -> None:
    """Announce committed deliveries as (queue, id); it may be lost without harm."""
    if _doorbell is not None and deliveries:
        _doorbell(deliveries)


def delivery_rows(message: Any, at: datetime, lease: timedelta) -> list[dict[str, Any]]:
    """Return the rows to write for a message: one for each reaction to it.

    The first due time lies a lease ahead: until then the doorbell's job has the row to itself.
    """
    topic = type(message).__name__
    payload = dataclasses.asdict(message)
    return [
        {
            "id": new_id(),
            "topic": topic,
            "payload": payload,
            "handler": reaction.name,
            "queue": reaction.queue,
            "state": PENDING,
            "attempts": 0,
            "created_at": at,
            "due_at": at + lease,
        }
        for reaction in registry.reactions_to(topic)
    ]


_WRITE = WriteFragment(
    "outbox",
    """
    deliveries AS (
        INSERT INTO outbox_delivery
            (id, topic, payload, handler, queue, state, attempts, created_at, due_at)
        SELECT d.id, d.topic, d.payload, d.handler, d.queue, d.state, d.attempts,
               d.created_at, d.due_at
        FROM jsonb_populate_recordset(CAST(NULL AS outbox_delivery), CAST(:deliveries AS jsonb)) d)
    """,
)


def writing(rows: list[dict[str, Any]]) -> DeferredWrite:
    """Return the write of these rows."""
    return DeferredWrite(_WRITE, {"deliveries": document(rows)})
