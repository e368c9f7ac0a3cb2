"""What came to a unit, and who was handed what."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from mall.kernel.db import Base


class LoadReceipt(Base):
    """That a union received a parcel of what goes to the unit."""

    __tablename__ = "load_receipt"
    __table_args__ = (Index("ix_load_receipt_programme_id", "programme_id", "received_at"),)

    shipment_id: Mapped[UUID] = mapped_column(ForeignKey("shipment.id"), primary_key=True)
    programme_id: Mapped[UUID]
    received_at: Mapped[datetime]
    received_by: Mapped[str]
    note: Mapped[str]


class LoadReceiptLine(Base):
    """How many units of a line a parcel was to hold, and how many came whole and broken."""

    __tablename__ = "load_receipt_line"
    __table_args__ = (
        CheckConstraint(
            "received >= 0 AND damaged >= 0 AND received + damaged <= sent", name="within_sent"
        ),
    )

    shipment_id: Mapped[UUID] = mapped_column(
        ForeignKey("load_receipt.shipment_id"), primary_key=True
    )
    fulfillment_line_id: Mapped[UUID] = mapped_column(
        ForeignKey("fulfillment_line.id"), primary_key=True
    )
    sent: Mapped[int]
    received: Mapped[int]
    damaged: Mapped[int]


class HandOut(Base):
    """What became of one person's share at the unit."""

    __tablename__ = "hand_out"
    __table_args__ = (
        CheckConstraint("state IN ('handed_out','kept','forwarded')", name="state_known"),
        Index("ix_hand_out_programme_id", "programme_id", "state"),
    )

    entitlement_id: Mapped[UUID] = mapped_column(primary_key=True)
    programme_id: Mapped[UUID]
    state: Mapped[str]
    method: Mapped[str]
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[str]
    note: Mapped[str]
    carrier: Mapped[str | None]
    tracking_no: Mapped[str | None]
