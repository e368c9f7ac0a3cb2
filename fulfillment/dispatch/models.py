"""Fulfillment orders and their lines."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, false, text
from sqlalchemy.orm import Mapped, mapped_column

from mall.kernel.db import Base


class FulfillmentOrder(Base):
    """One supplier's share of an order with one way of delivery."""

    __tablename__ = "fulfillment_order"
    __table_args__ = (
        # However often the job runs, an order splits once; what replaces goods comes on top.
        Index(
            "uq_fulfillment_order_split",
            "order_id",
            "supplier_id",
            "delivery_mode",
            "case_id",
            unique=True,
            postgresql_nulls_not_distinct=True,
        ),
        CheckConstraint(
            "state IN ('open','partly_dispatched','dispatched','delivered','cancelled')",
            name="state_known",
        ),
        Index("ix_fulfillment_order_supplier_id", "supplier_id", "id"),
        Index(
            "ix_fulfillment_order_dispatch_by",
            "dispatch_by",
            postgresql_where=text("state IN ('open','partly_dispatched')"),
        ),
        Index(
            "ix_fulfillment_order_confirm",
            "confirm_by",
            postgresql_where=text("state = 'dispatched'"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(unique=True)
    order_id: Mapped[UUID]
    # The after-sales case whose goods it replaces.
    case_id: Mapped[UUID | None] = mapped_column(unique=True)
    order_no: Mapped[str]
    member_id: Mapped[UUID]
    supplier_id: Mapped[UUID]
    delivery_mode: Mapped[str]
    state: Mapped[str]
    address: Mapped[dict[str, Any] | None]
    note: Mapped[str]
    created_at: Mapped[datetime]
    # Promised to have left by then; what is collected promises nothing.
    dispatch_by: Mapped[datetime | None]
    reminded_at: Mapped[datetime | None]
    dispatched_at: Mapped[datetime | None]
    confirm_by: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    delivered_by: Mapped[str | None]


class FulfillmentLine(Base):
    """A line to fulfil, and how much of it has been dispatched."""

    __tablename__ = "fulfillment_line"
    __table_args__ = (
        CheckConstraint(
            "dispatched_quantity >= 0 AND held_quantity >= 0 AND cancelled_quantity >= 0"
            " AND dispatched_quantity + held_quantity + cancelled_quantity <= quantity",
            name="not_too_many",
        ),
        Index(
            "uq_fulfillment_line_order_line_id",
            "order_line_id",
            unique=True,
            postgresql_where=text("NOT is_replacement"),
        ),
        Index(
            "ix_fulfillment_line_replacement",
            "order_line_id",
            postgresql_where=text("is_replacement"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    fulfillment_order_id: Mapped[UUID] = mapped_column(
        ForeignKey("fulfillment_order.id"), index=True
    )
    order_line_id: Mapped[UUID]
    sku_id: Mapped[UUID]
    title: Mapped[str]
    options: Mapped[list[Any]]
    quantity: Mapped[int]
    dispatched_quantity: Mapped[int] = mapped_column(default=0)
    # Asked back before they left: not to be dispatched until that is decided.
    held_quantity: Mapped[int] = mapped_column(default=0, server_default="0")
    # Taken back before they left.
    cancelled_quantity: Mapped[int] = mapped_column(default=0, server_default="0")
    is_replacement: Mapped[bool] = mapped_column(default=False, server_default=false())

    @property
    def to_dispatch(self) -> int:
        """How many are still to leave, and may."""
        gone = self.dispatched_quantity + self.held_quantity + self.cancelled_quantity
        return self.quantity - gone

    @property
    def is_done(self) -> bool:
        """Whether every unit has left or never will."""
        return self.dispatched_quantity + self.cancelled_quantity == self.quantity
