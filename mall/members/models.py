"""Members, their addresses, and the regions these lie in."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from mall.kernel.db import Base, names_by


class Region(Base):
    """A province, city or county by its national code; addresses lie in those with none below."""

    __tablename__ = "region"

    code: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    level: Mapped[int]
    parent_code: Mapped[str | None] = mapped_column(index=True)
    full_name: Mapped[str]
    is_leaf: Mapped[bool]


class Member(Base):
    """A person of a union, known by the openid of the mini-program."""

    __tablename__ = "member"
    __table_args__ = (
        CheckConstraint("real_name_state IN ('unverified','verified')", name="real_name_state"),
        # A number is one active member's; that of a disabled one is free for whoever has it now.
        Index("uq_member_phone", "phone", unique=True, postgresql_where=text("is_active")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    openid: Mapped[str] = mapped_column(unique=True)
    phone: Mapped[str | None]
    phone_verified_at: Mapped[datetime | None]
    real_name: Mapped[str | None]
    real_name_state: Mapped[str] = mapped_column(default="unverified")
    is_active: Mapped[bool] = mapped_column(default=True)
    # Raised by whatever ends every session: see the account of staff.
    epoch: Mapped[int] = mapped_column(default=0, server_default="0")
    created_at: Mapped[datetime]


class Address(Base):
    """A place a member has things sent to."""

    __tablename__ = "address"
    __table_args__ = (
        Index(
            "uq_address_default",
            "member_id",
            unique=True,
            postgresql_where=text("is_default"),
        ),
        Index("ix_address_member_id", "member_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    member_id: Mapped[UUID] = mapped_column(ForeignKey("member.id"))
    recipient: Mapped[str]
    phone: Mapped[str]
    region_code: Mapped[str] = mapped_column(ForeignKey("region.code"))
    detail: Mapped[str]
    is_default: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]


@names_by("name")
class TradeUnion(Base):
    """A trade union; the federation's tree by `parent_id`."""

    __tablename__ = "trade_union"
    __table_args__ = (
        # Unions of two districts may have one name; side by side they may not. A list that swaps
        # two names is right in the end.
        UniqueConstraint(
            "parent_id",
            "name_key",
            postgresql_nulls_not_distinct=True,
            deferrable=True,
            initially="IMMEDIATE",
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    name_key: Mapped[str]
    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("trade_union.id"), index=True)
    # Whether somebody may be known by employee number and name, not only by phone.
    claims_by_employee: Mapped[bool] = mapped_column(default=False)
    # A closed union keeps what it has; its officers are out.
    is_active: Mapped[bool] = mapped_column(default=True, server_default="true")
    created_at: Mapped[datetime]


class UnionMembership(Base):
    """A member's time in a union; somebody may be in several at once."""

    __tablename__ = "union_membership"
    __table_args__ = (
        CheckConstraint("left_on > joined_on", name="days_in_order"),
        Index("ix_union_membership_member_id", "member_id"),
    )

    union_id: Mapped[UUID] = mapped_column(ForeignKey("trade_union.id"), primary_key=True)
    member_id: Mapped[UUID] = mapped_column(ForeignKey("member.id"), primary_key=True)
    joined_on: Mapped[date]
    # The first day on which it is over.
    left_on: Mapped[date | None]
