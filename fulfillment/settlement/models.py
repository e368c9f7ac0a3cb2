"""What suppliers earned, item by item, and the statements that settle it."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from mall.kernel.db import Base


class SettlementStatement(Base):
    """What one supplier is owed for a period: the sum of its items."""

    __tablename__ = "settlement_statement"
    __table_args__ = (
        CheckConstraint(
            "state IN ('draft','confirmed','disputed','withdrawn','paid')", name="state_known"
        ),
        CheckConstraint(
            "net_fen = sales_fen + freight_fen + refunds_fen + adjustments_fen - commission_fen",
            name="adds_up",
        ),
        CheckConstraint("(state = 'paid') = (bank_reference IS NOT NULL)", name="paid_by"),
        Index(
            "uq_settlement_statement_open",
            "supplier_id",
            unique=True,
            postgresql_where=text("state IN ('draft','disputed')"),
        ),
        Index("ix_settlement_statement_supplier_id", "supplier_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(unique=True)
    supplier_id: Mapped[UUID]
    # As they were when it was drafted: the supplier agrees to these, and is paid to this account.
    supplier_name: Mapped[str]
    account: Mapped[dict[str, Any] | None]
    # The first and the last day in Beijing of what is in it.
    begins_on: Mapped[date] = mapped_column(Date)
    ends_on: Mapped[date] = mapped_column(Date)
    state: Mapped[str]
    item_count: Mapped[int]
    sales_fen: Mapped[int]
    freight_fen: Mapped[int]
    # Negative: what went back.
    refunds_fen: Mapped[int]
    adjustments_fen: Mapped[int]
    commission_fen: Mapped[int]
    net_fen: Mapped[int]
    created_by: Mapped[str]
    created_at: Mapped[datetime]
    confirmed_by: Mapped[str | None]
    confirmed_at: Mapped[datetime | None]
    paid_by: Mapped[str | None]
    paid_at: Mapped[datetime | None]
    bank_reference: Mapped[str | None] = mapped_column(unique=True)
    note: Mapped[str]


class SettlementItem(Base):
    """One amount that a supplier earned or gave back; never changed, only put on a statement."""

    __tablename__ = "settlement_item"
    __table_args__ = (
        CheckConstraint(
            "kind IN ('sale','refund','freight','freight_refund','adjustment')", name="kind_known"
        ),
        CheckConstraint("net_fen = amount_fen - commission_fen", name="adds_up"),
        Index(
            "ix_settlement_item_open",
            "supplier_id",
            "happened_at",
            postgresql_where=text("statement_id IS NULL"),
        ),
        Index("ix_settlement_item_statement_id", "statement_id", "id"),
        Index("ix_settlement_item_adjustment", "id", postgresql_where=text("kind = 'adjustment'")),
        Index("ix_settlement_item_order_id", "order_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    # What it came from: the same thing is counted once.
    reference: Mapped[str] = mapped_column(unique=True)
    supplier_id: Mapped[UUID]
    kind: Mapped[str]
    order_id: Mapped[UUID | None]
    order_line_id: Mapped[UUID | None]
    order_no: Mapped[str]
    title: Mapped[str]
    quantity: Mapped[int]
    amount_fen: Mapped[int]
    commission_bps: Mapped[int]
    commission_fen: Mapped[int]
    net_fen: Mapped[int]
    happened_at: Mapped[datetime]
    # Who made an adjustment; the others follow from what happened.
    recorded_by: Mapped[str | None]
    statement_id: Mapped[UUID | None] = mapped_column(ForeignKey("settlement_statement.id"))
