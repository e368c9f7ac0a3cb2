"""After-sales cases, their history, and where goods are returned to."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text, true
from sqlalchemy.orm import Mapped, mapped_column

from mall.kernel.db import Base


class AfterSalesCase(Base):
    """What a member asks for about so many units of one line, and what became of it."""

    __tablename__ = "after_sales_case"
    __table_args__ = (
        CheckConstraint(
            "kind IN ('refund_only','return_and_refund','exchange')", name="kind_known"
        ),
        CheckConstraint(
            "state IN ('requested','awaiting_return','in_return','received','rejected','appealed',"
            "'refunded','replaced','withdrawn','dismissed','lapsed')",
            name="state_known",
        ),
        CheckConstraint("quantity > 0 AND amount_fen > 0", name="about_something"),
        CheckConstraint("held BETWEEN 0 AND quantity", name="held_within"),
        CheckConstraint("(state = 'refunded') = (refunded_fen IS NOT NULL)", name="refunded_much"),
        CheckConstraint("(state = 'replaced') = (replacement_id IS NOT NULL)", name="replaced_how"),
        Index("ix_after_sales_case_member_id", "member_id", "id"),
        Index("ix_after_sales_case_supplier_id", "supplier_id", "id"),
        Index("ix_after_sales_case_order_line_id", "order_line_id"),
        Index("ix_after_sales_case_due", "due_at", postgresql_where=text("due_at IS NOT NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(unique=True)
    order_id: Mapped[UUID] = mapped_column(index=True)
    order_no: Mapped[str]
    order_line_id: Mapped[UUID]
    fulfillment_order_id: Mapped[UUID]
    member_id: Mapped[UUID]
    supplier_id: Mapped[UUID]
    sku_id: Mapped[UUID]
    title: Mapped[str]
    kind: Mapped[str]
    reason: Mapped[str]
    description: Mapped[str]
    photos: Mapped[list[Any]]
    quantity: Mapped[int]
    # False: proved on the spot, nothing is sent back for it.
    needs_return: Mapped[bool] = mapped_column(default=True, server_default=true())
    # Whether it was asked for before they left, and how many of them wait for its decision.
    is_unsent: Mapped[bool]
    held: Mapped[int]
    amount_fen: Mapped[int]
    state: Mapped[str]
    # When silence decides.
    due_at: Mapped[datetime | None]
    return_to: Mapped[dict[str, Any] | None]
    return_carrier: Mapped[str | None]
    return_tracking_no: Mapped[str | None]
    received_at: Mapped[datetime | None]
    refunded_fen: Mapped[int | None]
    freight_fen: Mapped[int] = mapped_column(default=0, server_default="0")
    replacement_id: Mapped[UUID | None]
    created_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]


class AfterSalesEvent(Base):
    """One step in the life of a case: who did what when, and what they said."""

    __tablename__ = "after_sales_event"

    case_id: Mapped[UUID] = mapped_column(ForeignKey("after_sales_case.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    happened_at: Mapped[datetime]
    actor: Mapped[str]
    from_state: Mapped[str | None]
    to_state: Mapped[str]
    note: Mapped[str]


class ReturnAddress(Base):
    """Where a supplier wants goods back."""

    __tablename__ = "return_address"

    supplier_id: Mapped[UUID] = mapped_column(primary_key=True)
    recipient: Mapped[str]
    phone: Mapped[str]
    region_code: Mapped[str]
    detail: Mapped[str]
