"""Selections of products, and every version that each of them had."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from mall.kernel.db import Base, names_by


@names_by("name")
class Selection(Base):
    """A named set of products, of one union or (without a scope) of the operators."""

    __tablename__ = "selection"
    __table_args__ = (UniqueConstraint("scope_id", "name_key", postgresql_nulls_not_distinct=True),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    scope_id: Mapped[UUID | None]
    name: Mapped[str]
    name_key: Mapped[str]
    version: Mapped[int]
    created_at: Mapped[datetime]


class SelectionVersion(Base):
    """What a selection was at one time; never changed, so that an approval can name it."""

    __tablename__ = "selection_version"

    selection_id: Mapped[UUID] = mapped_column(ForeignKey("selection.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    items: Mapped[list[Any]]
    digest: Mapped[str]
    note: Mapped[str]
    created_at: Mapped[datetime]
    created_by: Mapped[UUID]
