"""Suppliers and their freight templates."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from mall.kernel.db import Base, names_by


@names_by("name")
class Supplier(Base):
    """A merchant who sells and ships."""

    __tablename__ = "supplier"
    __table_args__ = (
        CheckConstraint("state IN ('applied','active','suspended','closed')", name="state_known"),
        CheckConstraint("commission_bps BETWEEN 0 AND 10000", name="commission_sane"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    name_key: Mapped[str] = mapped_column(unique=True)
    state: Mapped[str]
    created_at: Mapped[datetime]
    contact_name: Mapped[str] = mapped_column(default="")
    contact_phone: Mapped[str] = mapped_column(default="")
    contact_email: Mapped[str] = mapped_column(default="")
    settlement_account: Mapped[dict[str, Any] | None]
    # The rate agreed at the beginning, in ten-thousandths; later ones are rows of their own.
    commission_bps: Mapped[int] = mapped_column(default=0)
    # Where its goods come from, for the pavilion and the search.
    origin_region_code: Mapped[str | None]
    story: Mapped[str] = mapped_column(default="")
    cover_url: Mapped[str | None]
    submitted_at: Mapped[datetime | None]
    review_reasons: Mapped[list[Any]] = mapped_column(default=list)


class CommissionRate(Base):
    """The commission of what a supplier sells from a day on (Beijing), until the next row's."""

    __tablename__ = "commission_rate"
    __table_args__ = (
        CheckConstraint("commission_bps BETWEEN 0 AND 10000", name="commission_sane"),
    )

    supplier_id: Mapped[UUID] = mapped_column(ForeignKey("supplier.id"), primary_key=True)
    from_on: Mapped[date] = mapped_column(primary_key=True)
    commission_bps: Mapped[int]
    set_by: Mapped[str]
    set_at: Mapped[datetime]


@names_by("name")
class ShippingTemplateRow(Base):
    """A freight tariff of one supplier."""

    __tablename__ = "shipping_template"
    __table_args__ = (
        UniqueConstraint("supplier_id", "name_key"),
        CheckConstraint("charge_by IN ('piece','weight')", name="charge_by_known"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    supplier_id: Mapped[UUID] = mapped_column(ForeignKey("supplier.id"), index=True)
    name: Mapped[str]
    name_key: Mapped[str]
    charge_by: Mapped[str]
    free_over_fen: Mapped[int | None]
    rules: Mapped[list[Any]]
    created_at: Mapped[datetime]
