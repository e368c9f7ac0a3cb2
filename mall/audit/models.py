"""What audits remember from one to the next (docs/adr/0037)."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, Text
from sqlalchemy.orm import Mapped, mapped_column

from mall.kernel.db import Base


class AuditMark(Base):
    """Up to where changes were looked at: what transactions from `horizon` on wrote is new."""

    __tablename__ = "audit_mark"
    __table_args__ = (CheckConstraint("id = 1", name="only_one"),)

    id: Mapped[int] = mapped_column(primary_key=True, default=1)
    # The database that counts the transactions, and what was audited: of another nothing follows.
    basis: Mapped[str]
    horizon: Mapped[int]
    taken_at: Mapped[datetime]


class AuditRound(Base):
    """How far everything of one subject came by in its round."""

    __tablename__ = "audit_round"

    subject: Mapped[str] = mapped_column(primary_key=True)
    # The last key that was looked at; none at the start.
    reached: Mapped[str | None]
    is_over: Mapped[bool]
    # What was written before this is counted once more on the way.
    horizon: Mapped[int]
    started_at: Mapped[datetime]
    due_at: Mapped[datetime]


class AuditSum(Base):
    """A total over rows that were written before the mark's horizon."""

    __tablename__ = "audit_sum"

    name: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    carried: Mapped[int]
    # What was carried when the round began, and what of it was counted since.
    at_round: Mapped[int]
    counted: Mapped[int]


class AuditCount(Base):
    """How many rows of a table that only grows were written before the mark's horizon."""

    __tablename__ = "audit_count"

    table_name: Mapped[str] = mapped_column(primary_key=True)
    rows: Mapped[int]


class AuditSuspect(Base):
    """Things among which a breach was found: they are looked at again until there is none."""

    __tablename__ = "audit_suspect"
    __table_args__ = (CheckConstraint("cardinality(keys) > 0", name="some"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    subject: Mapped[str]
    keys: Mapped[list[str]] = mapped_column(ARRAY(Text))
    found_at: Mapped[datetime]
