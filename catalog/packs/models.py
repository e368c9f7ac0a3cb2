"""Welfare packs: what is inside, and at what price."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from mall.kernel.db import Base, names_by


@names_by("title")
class Pack(Base):
    """SKUs with quantities and unit prices, of one union or (without a scope) of the operators.

    A programme copies what it approves; changing a pack changes no programme.
    """

    __tablename__ = "pack"
    __table_args__ = (
        UniqueConstraint("scope_id", "name_key", postgresql_nulls_not_distinct=True),
        CheckConstraint("price_fen > 0", name="price_positive"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    scope_id: Mapped[UUID | None]
    title: Mapped[str]
    name_key: Mapped[str]
    brief: Mapped[str]
    image_url: Mapped[str | None]
    # SKU, quantity, and the price of one in the pack.
    parts: Mapped[list[Any]]
    price_fen: Mapped[int]
    is_active: Mapped[bool]
    version: Mapped[int]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class PriceRequest(Base):
    """A union, or the operators, ask a supplier for another price within one pack."""

    __tablename__ = "price_request"
    __table_args__ = (
        CheckConstraint("state IN ('asked','accepted','refused')", name="state_known"),
        CheckConstraint("price_fen > 0", name="price_positive"),
        CheckConstraint("(state = 'asked') = (decided_at IS NULL)", name="decided_once"),
        # One question about one price at a time; a refused one may be asked again.
        Index(
            "uq_price_request_open",
            "pack_id",
            "sku_id",
            "price_fen",
            unique=True,
            postgresql_where=text("state IN ('asked','accepted')"),
        ),
        Index("ix_price_request_supplier_id", "supplier_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    pack_id: Mapped[UUID] = mapped_column(ForeignKey("pack.id"))
    sku_id: Mapped[UUID]
    supplier_id: Mapped[UUID]
    # Who asks: a union, or without a scope the operators; and its name as it was.
    scope_id: Mapped[UUID | None]
    asked_by_name: Mapped[str]
    pack_title: Mapped[str]
    title: Mapped[str]
    options: Mapped[list[Any]]
    quantity: Mapped[int]
    price_fen: Mapped[int]
    # The supplier's own price for unions when it was asked.
    union_price_fen: Mapped[int]
    note: Mapped[str]
    state: Mapped[str]
    asked_by: Mapped[str]
    asked_at: Mapped[datetime]
    answer: Mapped[str] = mapped_column(default="")
    decided_by: Mapped[str | None]
    decided_at: Mapped[datetime | None]
