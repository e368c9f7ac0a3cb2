"""The journal: lines, what waits for its seal, and the chain of seals (docs/adr/0029)."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, Text, func
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from mall.kernel.db import Base


class JournalLine(Base):
    """One act of staff; never changed."""

    __tablename__ = "journal_line"
    __table_args__ = (
        Index("ix_journal_line_actor_id", "actor_id", "id"),
        Index("ix_journal_line_operation", "operation", "id"),
        Index("ix_journal_line_at", "at"),
        Index("ix_journal_line_objects", "objects", postgresql_using="gin"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    # Of the API, or `cli`.
    audience: Mapped[str]
    actor_id: Mapped[UUID | None]
    # As it was then.
    actor_name: Mapped[str]
    operation: Mapped[str]
    # Method and path; of the command line its words.
    request: Mapped[str]
    # Ids of the path and of changed rows.
    objects: Mapped[list[str]] = mapped_column(ARRAY(Text))
    given: Mapped[Any] = mapped_column(JSONB, nullable=False)
    before: Mapped[Any] = mapped_column(JSONB, nullable=False)
    after: Mapped[Any] = mapped_column(JSONB, nullable=False)
    address: Mapped[str]
    request_id: Mapped[str]
    outcome: Mapped[str]


class JournalPending(Base):
    """A line that waits for its seal."""

    __tablename__ = "journal_pending"

    line_id: Mapped[UUID] = mapped_column(ForeignKey("journal_line.id"), primary_key=True)
    # By the database's clock: how long it waits is no business of ours.
    queued_at: Mapped[datetime] = mapped_column(server_default=func.now())


class JournalSeal(Base):
    """A line's place in the chain: the hash of the seal before it and of the line."""

    __tablename__ = "journal_seal"

    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    line_id: Mapped[UUID] = mapped_column(ForeignKey("journal_line.id"), unique=True)
    hash: Mapped[bytes]
    sealed_at: Mapped[datetime]
