"""Parcels that are followed, and what was reported of them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from mall.kernel.db import Base


class TrackedParcel(Base):
    """Where a parcel is, and who is asked about it next when."""

    __tablename__ = "tracked_parcel"
    __table_args__ = (
        CheckConstraint("watch IN ('wanted','watched','asked','ended')", name="watch_known"),
        Index("ix_tracked_parcel_due", "due_at", postgresql_where=text("watch <> 'ended'")),
    )

    shipment_id: Mapped[UUID] = mapped_column(ForeignKey("shipment.id"), primary_key=True)
    carrier: Mapped[str]
    tracking_no: Mapped[str | None]
    state: Mapped[str]
    last_event_at: Mapped[datetime | None]
    watch: Mapped[str]
    attempts: Mapped[int]
    due_at: Mapped[datetime]
    last_error: Mapped[str | None]


class TrackingEvent(Base):
    """One thing that happened to a parcel; however often it is reported, it is kept once."""

    __tablename__ = "tracking_event"
    __table_args__ = (UniqueConstraint("shipment_id", "tracking_no", "digest"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    shipment_id: Mapped[UUID] = mapped_column(ForeignKey("shipment.id"), index=True)
    # The number it was about: a corrected parcel begins anew.
    tracking_no: Mapped[str]
    happened_at: Mapped[datetime]
    state: Mapped[str]
    text: Mapped[str]
    place: Mapped[str]
    digest: Mapped[str]
    source: Mapped[str]
    received_at: Mapped[datetime]
