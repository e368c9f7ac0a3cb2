"""Staff accounts and access tokens."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, text
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
    # None until the invitation was accepted.
    password_hash: Mapped[str | None]
    # Who the person is beyond the account: two accounts with one phone or member are one person.
    phone: Mapped[str | None]
    member_id: Mapped[UUID | None]
    # When its owner proved both, as a member whose phone WeChat verified; None: somebody says so.
    person_confirmed_at: Mapped[datetime | None]
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
    __table_args__ = (
        Index("ix_access_token_subject_id", "subject_id"),
        Index("ix_access_token_ended", text("least(expires_at, revoked_at)")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    audience: Mapped[str]
    subject_id: Mapped[UUID]
    epoch: Mapped[int] = mapped_column(default=0, server_default="0")
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class StaffInvitation(Base):
    """Lets a person choose the password of an account: once, for a day; only its hash is kept."""

    __tablename__ = "staff_invitation"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("staff_account.id"), index=True)
    code_hash: Mapped[bytes] = mapped_column(unique=True)
    issued_by: Mapped[str]
    issued_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class PasswordRequest(Base):
    """Somebody says to have forgotten an account's password; an operator answers."""

    __tablename__ = "password_request"

    account_id: Mapped[UUID] = mapped_column(ForeignKey("staff_account.id"), primary_key=True)
    asked_at: Mapped[datetime]


class SecondFactor(Base):
    """The secret of an account's one-time passwords, encrypted, and the last step that was used."""

    __tablename__ = "second_factor"

    account_id: Mapped[UUID] = mapped_column(ForeignKey("staff_account.id"), primary_key=True)
    secret: Mapped[bytes]
    last_step: Mapped[int]
    created_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]


class RecoveryCode(Base):
    """Stands for one one-time password, once; only its hash is kept."""

    __tablename__ = "recovery_code"

    code_hash: Mapped[bytes] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("staff_account.id"), index=True)
    used_at: Mapped[datetime | None]


class StaffChange(Base):
    """What one operator proposes about an account and another decides."""

    __tablename__ = "staff_change"
    __table_args__ = (
        CheckConstraint("kind IN ('open','duties','invite')", name="kind_known"),
        CheckConstraint("state IN ('proposed','confirmed','rejected')", name="state_known"),
        CheckConstraint("decided_by_id <> proposed_by_id", name="two_accounts"),
        Index("ix_staff_change_state", "state", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    state: Mapped[str]
    # None while the account is not open yet.
    account_id: Mapped[UUID | None] = mapped_column(ForeignKey("staff_account.id"))
    username: Mapped[str]
    display_name: Mapped[str]
    role: Mapped[str]
    scope_id: Mapped[UUID | None]
    duties: Mapped[list[str]] = mapped_column(ARRAY(Text))
    phone: Mapped[str | None]
    # None: by the command line.
    proposed_by_id: Mapped[UUID | None]
    proposed_at: Mapped[datetime]
    decided_by_id: Mapped[UUID | None]
    decided_at: Mapped[datetime | None]


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


class KnownPlace(Base):
    """An address from which an account has signed in."""

    __tablename__ = "known_place"

    account_id: Mapped[UUID] = mapped_column(ForeignKey("staff_account.id"), primary_key=True)
    address: Mapped[str] = mapped_column(primary_key=True)
    last_at: Mapped[datetime]


class UsedLoginCode(Base):
    """A WeChat login code that was exchanged; a replay meets its hash."""

    __tablename__ = "used_login_code"

    code_hash: Mapped[bytes] = mapped_column(primary_key=True)
    used_at: Mapped[datetime] = mapped_column(index=True)
