"""Rosters, the sheets they come from, and the people in them."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from mall.kernel.db import Base, names_by


@names_by("name")
class Roster(Base):
    """A union's named list of people, with the sheet that was sent last."""

    __tablename__ = "roster"
    __table_args__ = (
        UniqueConstraint("union_id", "name_key"),
        Index("ix_roster_begun_at", "union_id", "begun_at"),
        CheckConstraint(
            "state IN ('empty','waiting','checking','checked','applying','ready','failed')",
            name="state_known",
        ),
        Index(
            "ix_roster_due",
            "due_at",
            postgresql_where=text("state IN ('waiting','checking','applying')"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    union_id: Mapped[UUID] = mapped_column(ForeignKey("trade_union.id"))
    name: Mapped[str]
    name_key: Mapped[str]
    state: Mapped[str]
    file_key: Mapped[str | None]
    file_name: Mapped[str | None]
    # Nobody works on it before then.
    due_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    # A small one is read at once, and not for long; what takes longer is large.
    is_large: Mapped[bool] = mapped_column(default=True)
    begun_at: Mapped[datetime | None]
    total_rows: Mapped[int] = mapped_column(default=0)
    wrong_rows: Mapped[int] = mapped_column(default=0)
    entry_count: Mapped[int] = mapped_column(default=0)
    changes: Mapped[dict[str, Any] | None]
    problem: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime]
    applied_at: Mapped[datetime | None]


class RosterRow(Base):
    """One row of the last sheet as it was understood, with what is wrong or doubtful in it."""

    __tablename__ = "roster_row"

    roster_id: Mapped[UUID] = mapped_column(ForeignKey("roster.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    phone: Mapped[str | None]
    employee_no: Mapped[str | None]
    department: Mapped[str]
    born_on: Mapped[date | None]
    problems: Mapped[list[Any]]
    warnings: Mapped[list[Any]]


class RosterEntry(Base):
    """One person of a roster, a member's once somebody proved to be that person."""

    __tablename__ = "roster_entry"
    __table_args__ = (
        CheckConstraint("phone IS NOT NULL OR employee_no IS NOT NULL", name="can_be_claimed"),
        UniqueConstraint("roster_id", "phone"),
        UniqueConstraint("roster_id", "member_id"),
        Index("ix_roster_entry_employee_no", "roster_id", "employee_no"),
        Index("ix_roster_entry_unclaimed", "phone", postgresql_where=text("member_id IS NULL")),
        Index("ix_roster_entry_position", "roster_id", "position"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    roster_id: Mapped[UUID] = mapped_column(ForeignKey("roster.id"))
    position: Mapped[int]
    name: Mapped[str]
    phone: Mapped[str | None]
    employee_no: Mapped[str | None]
    department: Mapped[str]
    born_on: Mapped[date | None]
    is_active: Mapped[bool]
    member_id: Mapped[UUID | None]
    claimed_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
