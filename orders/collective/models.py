"""Money announced and confirmed for programmes, and changes after approval."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from mall.kernel.db import Base


class Funding(Base):
    """A bank transfer of a union, as somebody recorded it and an operator confirmed it."""

    __tablename__ = "funding"
    __table_args__ = (
        CheckConstraint("amount_fen > 0", name="amount_positive"),
        CheckConstraint("kind IN ('transfer','payout')", name="kind_known"),
        CheckConstraint("state IN ('recorded','confirmed','rejected')", name="state_known"),
        Index("ix_funding_programme_id", "programme_id", "id"),
        # One transfer of a bank is confirmed once, whoever records it how often.
        Index(
            "uq_funding_reference",
            "bank_reference",
            unique=True,
            postgresql_where=text("state <> 'rejected'"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    programme_id: Mapped[UUID]
    kind: Mapped[str]
    state: Mapped[str]
    amount_fen: Mapped[int]
    bank_reference: Mapped[str]
    payer: Mapped[str]
    note: Mapped[str]
    recorded_by: Mapped[str]
    recorded_at: Mapped[datetime]
    decided_by: Mapped[str | None]
    decided_at: Mapped[datetime | None]
    # False where it was decided before two persons were needed.
    is_by_two: Mapped[bool] = mapped_column(default=True, server_default="true")


class ProgrammeChange(Base):
    """Somebody is added to an approved programme or withdrawn from it: proposed, then decided."""

    __tablename__ = "programme_change"
    __table_args__ = (
        CheckConstraint("kind IN ('add','withdraw')", name="kind_known"),
        CheckConstraint("state IN ('proposed','applied','rejected')", name="state_known"),
        CheckConstraint("(kind = 'add') = (entry_id IS NOT NULL)", name="names_whom"),
        Index("ix_programme_change_programme_id", "programme_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    programme_id: Mapped[UUID]
    kind: Mapped[str]
    state: Mapped[str]
    # Whom to add, of a roster of the union; or whose entitlement to withdraw.
    entry_id: Mapped[UUID | None]
    entitlement_id: Mapped[UUID | None]
    name: Mapped[str]
    reason: Mapped[str]
    proposed_by: Mapped[UUID]
    proposed_at: Mapped[datetime]
    decided_by: Mapped[UUID | None]
    decided_at: Mapped[datetime | None]
