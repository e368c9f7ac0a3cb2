"""Money that goes back over WeChat."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from mall.kernel.db import Base


class Refund(Base):
    """One sum of money on its way back; the number is the same in every attempt."""

    __tablename__ = "refund"
    __table_args__ = (
        CheckConstraint(
            "state IN ('requested','accepted','succeeded','failed','settled')", name="state_known"
        ),
        CheckConstraint("amount_fen > 0", name="amount_positive"),
        CheckConstraint("(state = 'settled') = (channel IS NOT NULL)", name="settled_somehow"),
        CheckConstraint("purpose IN ('late','cancelled','after_sales')", name="purpose_known"),
        Index("ix_refund_ended_at", "ended_at"),
        Index(
            "ix_refund_unpaid",
            "purpose",
            postgresql_where=text("state NOT IN ('succeeded','settled')"),
        ),
        Index(
            "ix_refund_due",
            "try_at",
            postgresql_where=text("state IN ('requested','accepted')"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    payment_id: Mapped[UUID] = mapped_column(index=True)
    # Of money that came too late, of an order cancelled after it was paid, or of goods that came back.
    purpose: Mapped[str] = mapped_column(default="late", server_default="late")
    out_trade_no: Mapped[str]
    out_refund_no: Mapped[str] = mapped_column(unique=True)
    total_fen: Mapped[int]
    amount_fen: Mapped[int]
    reason: Mapped[str]
    state: Mapped[str]
    refund_id: Mapped[str | None]
    attempts: Mapped[int] = mapped_column(default=0)
    try_at: Mapped[datetime]
    last_error: Mapped[str | None]
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    # Where WeChat could not pay: how an operator did.
    settled_by: Mapped[str | None]
    channel: Mapped[str | None]
    channel_reference: Mapped[str | None]
    note: Mapped[str | None]


class Reimbursement(Base):
    """What goes back of one line of a paid order, or of one supplier's freight, by tender."""

    __tablename__ = "reimbursement"
    __table_args__ = (
        CheckConstraint("amount_fen = beans_fen + wechat_fen", name="tenders_add_up"),
        CheckConstraint(
            "amount_fen > 0 AND beans_fen >= 0 AND wechat_fen >= 0", name="amount_positive"
        ),
        CheckConstraint("unsent >= 0", name="unsent_not_negative"),
        Index("ix_reimbursement_order_id", "order_id"),
        Index("ix_reimbursement_order_line_id", "order_line_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    # What it is for: the same reference gives back once.
    reference: Mapped[str] = mapped_column(unique=True)
    order_id: Mapped[UUID]
    # None: the supplier's freight.
    order_line_id: Mapped[UUID | None]
    supplier_id: Mapped[UUID]
    amount_fen: Mapped[int]
    beans_fen: Mapped[int]
    wechat_fen: Mapped[int]
    bean_lots: Mapped[list[Any]]
    # How many units go back to the shelf because they never left.
    unsent: Mapped[int]
    refund_id: Mapped[UUID | None]
    actor: Mapped[str]
    created_at: Mapped[datetime]
