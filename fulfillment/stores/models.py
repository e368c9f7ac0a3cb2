"""Stores where orders are collected, and which one a member chose when."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, Double, ForeignKey, Index, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from mall.kernel.db import Base, names_by


@names_by("name")
class Store(Base):
    """A merchant's place with a counter."""

    __tablename__ = "store"
    __table_args__ = (
        CheckConstraint(
            "latitude BETWEEN -90 AND 90 AND longitude BETWEEN -180 AND 180", name="on_earth"
        ),
        CheckConstraint("daily_capacity IS NULL OR daily_capacity > 0", name="capacity_positive"),
        CheckConstraint("lead_hours >= 0 AND slot_minutes > 0", name="times_positive"),
        Index("ix_store_supplier_id", "supplier_id", "id"),
        UniqueConstraint("supplier_id", "name_key"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    supplier_id: Mapped[UUID]
    name: Mapped[str]
    name_key: Mapped[str]
    region_code: Mapped[str]
    detail: Mapped[str]
    # Degrees, in the coordinates of Chinese maps (GCJ-02), as the mini-program gives them.
    latitude: Mapped[float] = mapped_column(Double)
    longitude: Mapped[float] = mapped_column(Double)
    phone: Mapped[str]
    # Rows of weekday (1 is Monday), opens, closes; and days on which it is closed all the same.
    hours: Mapped[list[Any]]
    closed_on: Mapped[list[Any]]
    # None: all that its merchant lets be collected.
    product_ids: Mapped[list[Any] | None] = mapped_column(JSONB(none_as_null=True))
    # Units a day; None: as many as come.
    daily_capacity: Mapped[int | None]
    lead_hours: Mapped[int]
    slot_minutes: Mapped[int]
    is_active: Mapped[bool]
    created_at: Mapped[datetime]


class PickupChoice(Base):
    """Where and when a member collects what an order has of one merchant."""

    __tablename__ = "pickup_choice"
    __table_args__ = (
        CheckConstraint("units >= 0 AND slot_ends > slot_starts", name="makes_sense"),
        Index("ix_pickup_choice_day", "store_id", "day"),
    )

    order_id: Mapped[UUID] = mapped_column(primary_key=True)
    supplier_id: Mapped[UUID] = mapped_column(primary_key=True)
    store_id: Mapped[UUID] = mapped_column(ForeignKey("store.id"))
    member_id: Mapped[UUID]
    # The day in Beijing, by which places are counted.
    day: Mapped[date] = mapped_column(Date)
    slot_starts: Mapped[datetime]
    slot_ends: Mapped[datetime]
    # What the store was called and where it was when it was chosen: see PLACE in rules.py.
    place: Mapped[dict[str, Any]]
    units: Mapped[int]
    chosen_at: Mapped[datetime]
