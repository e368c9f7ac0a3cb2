"""Money that goes back over WeChat."""

from datetime import datetime
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
        CheckConstraint("purpose IN ('late','cancelled')", name="purpose_known"),
        Index(
            "ix_refund_due",
            "try_at",
            postgresql_where=text("state IN ('requested','accepted')"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    payment_id: Mapped[UUID] = mapped_column(index=True)
    # Of money that came too late, or of an order that was cancelled after it was paid.
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
