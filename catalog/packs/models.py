"""Welfare packs: what is inside, and at what price."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, UniqueConstraint
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
