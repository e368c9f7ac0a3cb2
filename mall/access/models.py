"""Staff accounts and access tokens."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from mall.kernel.db import Base


class StaffAccount(Base):
    """A person who works with the mall: signs in by password, has one role and its scope."""

    __tablename__ = "staff_account"
    __table_args__ = (
        CheckConstraint(
            "role IN ('union_officer','supplier','store_clerk','operator')", name="role_known"
        ),
        CheckConstraint("(role = 'operator') = (scope_id IS NULL)", name="scope_fits_role"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(unique=True)
    display_name: Mapped[str]
    password_hash: Mapped[str]
    role: Mapped[str]
    scope_id: Mapped[UUID | None]
    # What a union officer or a clerk may do beyond the role; empty for everybody else.
    duties: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list, server_default="{}")
    is_active: Mapped[bool] = mapped_column(default=True)
    # Raised by whatever ends every session: a token lives in the epoch that it was given in.
    epoch: Mapped[int] = mapped_column(default=0, server_default="0")
    created_at: Mapped[datetime]


class AccessToken(Base):
    """A session of one subject with one audience; only the token's hash is kept."""

    __tablename__ = "access_token"
    __table_args__ = (Index("ix_access_token_subject_id", "subject_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    audience: Mapped[str]
    subject_id: Mapped[UUID]
    epoch: Mapped[int] = mapped_column(default=0, server_default="0")
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class GuessCounter(Base):
    """Wrong guesses of one purpose by one subject, from one address where that counts."""

    __tablename__ = "guess_counter"
    __table_args__ = (Index("ix_guess_counter_ends_at", "ends_at"),)

    purpose: Mapped[str] = mapped_column(primary_key=True)
    # An id, or the hash of a name that need not exist.
    subject: Mapped[str] = mapped_column(primary_key=True)
    address: Mapped[str] = mapped_column(primary_key=True)
    tries: Mapped[int]
    # No guess is taken before; all are forgotten at the end.
    opens_at: Mapped[datetime]
    ends_at: Mapped[datetime]


class UsedLoginCode(Base):
    """A WeChat login code that was exchanged; a replay meets its hash."""

    __tablename__ = "used_login_code"

    code_hash: Mapped[bytes] = mapped_column(primary_key=True)
    used_at: Mapped[datetime]
