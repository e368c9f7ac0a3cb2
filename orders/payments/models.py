"""Payments asked of WeChat, for orders and for the funds of programmes."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from mall.kernel.db import Base


class Payment(Base):
    """One attempt to collect an order's WeChat part, or a part of a fund, under its own number."""

    __tablename__ = "payment"
    __table_args__ = (
        CheckConstraint("state IN ('open','paid','closed')", name="state_known"),
        CheckConstraint("amount_fen > 0", name="amount_positive"),
        CheckConstraint("purpose IN ('order','fund')", name="purpose_known"),
        CheckConstraint("(state = 'paid') = (transaction_id IS NOT NULL)", name="paid_has_number"),
        Index("ix_payment_query", "query_at", postgresql_where=text("state = 'open'")),
        Index(
            "uq_payment_open",
            "order_id",
            "trade_type",
            unique=True,
            postgresql_where=text("state = 'open'"),
        ),
        Index("ix_payment_order_id", "order_id"),
        Index("ix_payment_paid_at", "paid_at"),
        Index("ix_payment_merchant", "merchant", "created_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    # The order that is paid, or the programme whose fund is.
    order_id: Mapped[UUID]
    purpose: Mapped[str] = mapped_column(default="order", server_default="order")
    # The configuration it was asked by: all that is done with it later goes through that one.
    merchant: Mapped[str] = mapped_column(default="main", server_default="main")
    out_trade_no: Mapped[str] = mapped_column(unique=True)
    trade_type: Mapped[str]
    amount_fen: Mapped[int]
    state: Mapped[str]
    prepay_id: Mapped[str | None]
    code_url: Mapped[str | None]
    transaction_id: Mapped[str | None] = mapped_column(unique=True)
    is_late: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    query_at: Mapped[datetime]
    query_count: Mapped[int] = mapped_column(default=0)
    paid_at: Mapped[datetime | None]


class GatewayMessage(Base):
    """What went over the wire to or from WeChat, masked; kept for 180 days."""

    __tablename__ = "gateway_message"
    __table_args__ = (Index("ix_gateway_message_number", "number", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    merchant: Mapped[str]
    # order, query, close, refund, refund_query, bill, bill_file, pay_notice or refund_notice.
    operation: Mapped[str]
    # The number of the payment or refund, or the day of the bill.
    number: Mapped[str]
    outcome: Mapped[str]
    sent: Mapped[str]
    received: Mapped[str]
