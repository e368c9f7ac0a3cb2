"""Quantities of every SKU, what open orders reserve of them, and each change with its cause."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from mall.kernel.db import Base


class StockLevel(Base):
    """How many of a SKU are there, and how many of those are promised to unpaid orders."""

    __tablename__ = "stock_level"
    __table_args__ = (
        CheckConstraint("reserved >= 0 AND reserved <= on_hand", name="never_oversold"),
        # Room on each page for updated versions keeps the hot update off the indexes.
        {"postgresql_with": {"fillfactor": 50}},
    )

    sku_id: Mapped[UUID] = mapped_column(ForeignKey("sku.id"), primary_key=True)
    on_hand: Mapped[int]
    reserved: Mapped[int] = mapped_column(default=0)


class Reservation(Base):
    """Units promised to an order that waits for its payment."""

    __tablename__ = "reservation"
    __table_args__ = (
        CheckConstraint("quantity > 0", name="quantity_positive"),
        CheckConstraint("state IN ('held','consumed','released')", name="state_known"),
        Index("ix_reservation_held", "sku_id", postgresql_where=text("state = 'held'")),
    )

    order_id: Mapped[UUID] = mapped_column(primary_key=True)
    sku_id: Mapped[UUID] = mapped_column(ForeignKey("sku.id"), primary_key=True)
    quantity: Mapped[int]
    state: Mapped[str] = mapped_column(default="held")


class StockMovement(Base):
    """One change of what is on hand, with its cause."""

    __tablename__ = "stock_movement"
    __table_args__ = (
        CheckConstraint("quantity <> 0", name="quantity_not_zero"),
        Index("ix_stock_movement_reference", "reference"),
        Index("ix_stock_movement_moved_at", "moved_at", postgresql_using="brin"),
    )

    sku_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    quantity: Mapped[int]
    cause: Mapped[str]
    reference: Mapped[str]
    moved_at: Mapped[datetime]


class StockSale(Base):
    """How many of a SKU were sold before the mark: what nothing can change any more."""

    __tablename__ = "stock_sale"

    sku_id: Mapped[UUID] = mapped_column(primary_key=True)
    sold: Mapped[int]


class StockSaleMark(Base):
    """Up to when sales are summed by SKU; what moved since is read movement by movement."""

    __tablename__ = "stock_sale_mark"
    __table_args__ = (CheckConstraint("id = 1", name="only_one"),)

    id: Mapped[int] = mapped_column(primary_key=True, default=1)
    before: Mapped[datetime]
