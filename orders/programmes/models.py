"""Welfare programmes, their signed history, and what a union's own rules say."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, Index, Text, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import UUID as PGUUID
from sqlalchemy.orm import Mapped, mapped_column

from mall.kernel.db import Base


class Programme(Base):
    """What a union gives to a roster. From submission on, `content` says what that is."""

    __tablename__ = "programme"
    __table_args__ = (
        CheckConstraint(
            "kind IN ('fixed','pick_one','restricted','open','cake')", name="kind_known"
        ),
        CheckConstraint(
            "state IN ('draft','submitted','approved','rejected','funded','issuing','active',"
            "'closed','accepted','archived','withdrawn')",
            name="state_known",
        ),
        CheckConstraint("per_member_fen > 0", name="amount_positive"),
        CheckConstraint("opens_on <= closes_on", name="days_in_order"),
        CheckConstraint("expires_on >= closes_on", name="expires_after"),
        CheckConstraint("budget_fen = head_count * per_member_fen", name="budget_adds_up"),
        Index("ix_programme_union_id", "union_id", "id"),
        Index(
            "ix_programme_running",
            "due_at",
            postgresql_where=text("state IN ('issuing','active','closed')"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(unique=True)
    union_id: Mapped[UUID]
    name: Mapped[str]
    kind: Mapped[str]
    state: Mapped[str]
    roster_id: Mapped[UUID]
    per_member_fen: Mapped[int]
    pack_ids: Mapped[list[UUID]] = mapped_column(ARRAY(PGUUID(as_uuid=True)))
    default_pack_id: Mapped[UUID | None]
    selection_id: Mapped[UUID | None]
    selection_version: Mapped[int | None]
    max_items: Mapped[int | None]
    opens_on: Mapped[date] = mapped_column(Date)
    closes_on: Mapped[date] = mapped_column(Date)
    expires_on: Mapped[date] = mapped_column(Date)
    delivery: Mapped[str]
    unit_address: Mapped[dict[str, Any] | None]
    leftover: Mapped[str]
    allows_top_up: Mapped[bool]
    allows_codes: Mapped[bool]
    birthday: Mapped[str]
    festival: Mapped[str | None]
    note: Mapped[str]
    version: Mapped[int]
    head_count: Mapped[int]
    budget_fen: Mapped[int]
    content: Mapped[dict[str, Any] | None]
    content_hash: Mapped[str | None]
    # What the products of its selection were called and cost when it was submitted; long, and
    # read by papers alone. Its digest stands in the content.
    shown: Mapped[list[Any] | None] = mapped_column(deferred=True)
    warnings: Mapped[list[Any]]
    scope_id: Mapped[UUID | None]
    event_count: Mapped[int]
    last_hash: Mapped[str]
    # Nobody at this position or before it is left to be issued to, birthdays aside.
    issued_up_to: Mapped[int] = mapped_column(default=0)
    # Who was issued to until then has been told, or is about to be.
    told_at: Mapped[datetime | None]
    # When the sweep looks at it next.
    due_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    approved_at: Mapped[datetime | None]
    active_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    # An officer ends it before its time.
    close_requested_at: Mapped[datetime | None]
    skips_default: Mapped[bool] = mapped_column(default=False)


class ProgrammeEvent(Base):
    """One signed step: who did what when to which content, chained to the step before."""

    __tablename__ = "programme_event"

    programme_id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    happened_at: Mapped[datetime]
    actor: Mapped[str]
    actor_name: Mapped[str]
    act: Mapped[str]
    state: Mapped[str]
    content_hash: Mapped[str]
    note: Mapped[str]
    # JSON as text: the very bytes that were hashed.
    details: Mapped[str]
    previous_hash: Mapped[str]
    hash: Mapped[str]


class UnionPolicy(Base):
    """What a union allows itself: the approver is warned where a programme goes beyond it."""

    __tablename__ = "union_policy"
    __table_args__ = (
        CheckConstraint("annual_member_fen > 0", name="limit_positive"),
        CheckConstraint("min_assistance_bps BETWEEN 0 AND 10000", name="share_sane"),
    )

    union_id: Mapped[UUID] = mapped_column(primary_key=True)
    annual_member_fen: Mapped[int | None]
    festivals: Mapped[list[str]] = mapped_column(ARRAY(Text))
    min_assistance_bps: Mapped[int]
    updated_at: Mapped[datetime]
