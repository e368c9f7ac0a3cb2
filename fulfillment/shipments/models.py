"""Parcels and what is in them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from mall.kernel.db import Base


class Shipment(Base):
    """One parcel of a fulfillment order."""

    __tablename__ = "shipment"
    __table_args__ = (Index("ix_shipment_tracking_no", "tracking_no"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    fulfillment_order_id: Mapped[UUID] = mapped_column(
        ForeignKey("fulfillment_order.id"), index=True
    )
    carrier: Mapped[str]
    tracking_no: Mapped[str | None]
    dispatched_by: Mapped[str]
    dispatched_at: Mapped[datetime]
    # Its carrier, its supplier or an operator said that it arrived.
    delivered_at: Mapped[datetime | None]
    # Numbers that were corrected since, each with who did it when.
    earlier: Mapped[list[Any]] = mapped_column(default=list, server_default="[]")


class ShipmentLine(Base):
    """How many of a line are in a parcel."""

    __tablename__ = "shipment_line"
    __table_args__ = (CheckConstraint("quantity > 0", name="quantity_positive"),)

    shipment_id: Mapped[UUID] = mapped_column(ForeignKey("shipment.id"), primary_key=True)
    fulfillment_line_id: Mapped[UUID] = mapped_column(
        ForeignKey("fulfillment_line.id"), primary_key=True, index=True
    )
    quantity: Mapped[int]
