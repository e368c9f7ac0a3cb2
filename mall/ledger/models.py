"""Lots, holds, transfers and their entries (docs/adr/0002)."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, false, text, true
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import UUID as PGUUID
from sqlalchemy.orm import Mapped, mapped_column

from mall.kernel.db import Base, names_by


@names_by("name")
class BeanScope(Base):
    """A named, frozen selection of products that a lot may be bound to."""

    __tablename__ = "bean_scope"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    name_key: Mapped[str] = mapped_column(unique=True)
    product_ids: Mapped[list[Any]] = mapped_column(ARRAY(PGUUID(as_uuid=True)))
    created_at: Mapped[datetime]


class BeanLot(Base):
    """One grant to one member; the guarded balance of ledger account `lot:<id>`."""

    __tablename__ = "bean_lot"
    __table_args__ = (
        CheckConstraint("balance_fen >= 0", name="balance_not_negative"),
        CheckConstraint("granted_fen > 0", name="granted_positive"),
        # No index mentions the balance, and pages keep room: spending touches no index.
        Index("ix_bean_lot_member_id", "member_id", "expires_at"),
        Index("ix_bean_lot_expiry", "expires_at", postgresql_where=text("lapsed_at IS NULL")),
        Index(
            "ix_bean_lot_programme_id",
            "programme_id",
            postgresql_where=text("programme_id IS NOT NULL"),
        ),
        CheckConstraint("NOT is_voucher OR programme_id IS NOT NULL", name="voucher_of_programme"),
        {"postgresql_with": {"fillfactor": 70}},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    member_id: Mapped[UUID]
    scope_id: Mapped[UUID | None] = mapped_column(ForeignKey("bean_scope.id"))
    programme: Mapped[str]
    programme_id: Mapped[UUID | None]
    granted_fen: Mapped[int]
    balance_fen: Mapped[int]
    expires_at: Mapped[datetime]
    created_at: Mapped[datetime]
    lapsed_at: Mapped[datetime | None]
    # An entitlement to something of its programme: spent by its redemption only, never by a checkout.
    is_voucher: Mapped[bool] = mapped_column(default=False, server_default=false())
    # Whether an order that it pays may be topped up by WeChat.
    allows_top_up: Mapped[bool] = mapped_column(default=True, server_default=true())
    # Where what is left at the end goes; without one it lapses.
    leftover_fund_id: Mapped[UUID | None]
    # The expired lot whose returned beans this one carries through the grace period.
    came_from_id: Mapped[UUID | None] = mapped_column(ForeignKey("bean_lot.id"))


class LedgerFund(Base):
    """What a union paid in for one programme; the guarded balance of account `fund:<id>`."""

    __tablename__ = "ledger_fund"
    __table_args__ = (CheckConstraint("balance_fen >= 0", name="balance_not_negative"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    balance_fen: Mapped[int]
    created_at: Mapped[datetime]
    # Whose it is: those who have left this union get nothing back from it.
    union_id: Mapped[UUID | None]
    # From then on its lots take nothing back: what comes back is the fund's, or lapses.
    closed_at: Mapped[datetime | None]


class BeanHold(Base):
    """Beans set aside for an order that waits for the rest by WeChat."""

    __tablename__ = "bean_hold"
    __table_args__ = (
        CheckConstraint("amount_fen > 0", name="amount_positive"),
        CheckConstraint("state IN ('held','captured','released')", name="state_known"),
    )

    order_id: Mapped[UUID] = mapped_column(primary_key=True)
    lot_id: Mapped[UUID] = mapped_column(ForeignKey("bean_lot.id"), primary_key=True, index=True)
    amount_fen: Mapped[int]
    state: Mapped[str] = mapped_column(default="held")


class LedgerTransfer(Base):
    """One movement of value; its unique reference makes it happen once."""

    __tablename__ = "ledger_transfer"
    __table_args__ = (
        CheckConstraint("asset IN ('beans','cny')", name="asset_known"),
        Index("ix_ledger_transfer_posted_at", "posted_at", postgresql_using="brin"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    # Compared byte by byte, so that the index finds all references of one kind.
    reference: Mapped[str] = mapped_column(Text(collation="C"), unique=True)
    kind: Mapped[str]
    asset: Mapped[str]
    posted_at: Mapped[datetime]


class LedgerEntry(Base):
    """One leg of a transfer: what arrives (positive) at or leaves (negative) an account."""

    __tablename__ = "ledger_entry"
    __table_args__ = (
        CheckConstraint("amount_fen <> 0", name="amount_not_zero"),
        Index(
            "ix_ledger_entry_statement",
            "member_id",
            "id",
            postgresql_where=text("member_id IS NOT NULL"),
        ),
        # A fund has an entry for each chunk of its issue: few of many.
        Index("ix_ledger_entry_fund", "account", postgresql_where=text("account LIKE 'fund:%'")),
    )

    transfer_id: Mapped[UUID] = mapped_column(ForeignKey("ledger_transfer.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    account: Mapped[str]
    member_id: Mapped[UUID | None]
    amount_fen: Mapped[int]


class LedgerSnapshot(Base):
    """What a system account held of everything posted before an instant."""

    __tablename__ = "ledger_snapshot"

    account: Mapped[str] = mapped_column(primary_key=True)
    asset: Mapped[str] = mapped_column(primary_key=True)
    before: Mapped[datetime] = mapped_column(primary_key=True)
    balance_fen: Mapped[int]
