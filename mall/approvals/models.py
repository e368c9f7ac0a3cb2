"""Authors, decisions, and acts of staff that move value."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from mall.kernel.db import Base


class Author(Base):
    """Who touched an object, as the person was at the first touch; the touches are counted."""

    __tablename__ = "author"

    subject_kind: Mapped[str] = mapped_column(primary_key=True)
    subject_id: Mapped[UUID] = mapped_column(primary_key=True)
    # How the guard names the account, or `cli:` and a user.
    name: Mapped[str] = mapped_column(primary_key=True)
    # In the order of writing, as the ids of decisions are.
    id: Mapped[UUID]
    account_id: Mapped[UUID | None]
    member_id: Mapped[UUID | None]
    phone: Mapped[str | None]
    display_name: Mapped[str]
    touched_at: Mapped[datetime]
    touches: Mapped[int]
    # So many of them were looked at by an approval.
    settled: Mapped[int]


class AuthorSource(Base):
    """Which touches of its parts an object took in when it was handed to who decides."""

    __tablename__ = "author_source"

    subject_kind: Mapped[str] = mapped_column(primary_key=True)
    subject_id: Mapped[UUID] = mapped_column(primary_key=True)
    part_kind: Mapped[str] = mapped_column(primary_key=True)
    part_id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    touches: Mapped[int]


class Decision(Base):
    """Who decided about an object, as the person was then."""

    __tablename__ = "decision"
    __table_args__ = (Index("ix_decision_subject_id", "subject_id", "subject_kind"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    subject_kind: Mapped[str]
    subject_id: Mapped[UUID]
    name: Mapped[str]
    account_id: Mapped[UUID | None]
    member_id: Mapped[UUID | None]
    phone: Mapped[str | None]
    display_name: Mapped[str]
    decided_at: Mapped[datetime]


class ValueAct(Base):
    """An act of staff that moves value: done alone within the limit, or by two persons."""

    __tablename__ = "value_act"
    __table_args__ = (
        CheckConstraint("amount_fen >= 0", name="amount_not_negative"),
        CheckConstraint(
            "state IN ('proposed','confirmed','rejected','withdrawn','lapsed','alone')",
            name="state_known",
        ),
        CheckConstraint("(state = 'proposed') = (decided_at IS NULL)", name="decided_once"),
        Index(
            "uq_value_act_waiting",
            "kind",
            "subject",
            unique=True,
            postgresql_where=text("state = 'proposed'"),
        ),
        Index("ix_value_act_state", "state", "id"),
        Index("ix_value_act_subject", "subject", "kind"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    state: Mapped[str]
    subject: Mapped[str]
    about: Mapped[str]
    body: Mapped[dict[str, Any]]
    amount_fen: Mapped[int]
    # What one person could do alone then; none for what nobody does alone.
    limit_fen: Mapped[int | None]
    proposed_by: Mapped[str]
    proposer_id: Mapped[UUID | None]
    proposer_name: Mapped[str]
    proposed_at: Mapped[datetime]
    # The day in Beijing, for the sum of what is done alone.
    day: Mapped[date] = mapped_column(Date)
    ends_at: Mapped[datetime]
    decided_by: Mapped[str | None]
    decider_id: Mapped[UUID | None]
    decider_name: Mapped[str | None]
    decided_at: Mapped[datetime | None]
    note: Mapped[str]
    result: Mapped[dict[str, Any] | None]


class AloneSum(Base):
    """The sum that a person moved alone on a day, by each key that the person is known by."""

    __tablename__ = "alone_sum"

    person: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    sum_fen: Mapped[int]
    # The limit when the last was added.
    limit_fen: Mapped[int]
