"""Sections of the storefront, and what is picked for them by hand."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from mall.kernel.db import Base, names_by


@names_by("title")
class Section(Base):
    """A part of the storefront: what gathers its products, how it looks, when it is shown."""

    __tablename__ = "storefront_section"
    __table_args__ = (
        CheckConstraint("kind IN ('pavilion','category','seasonal')", name="kind_known"),
        CheckConstraint("ends_at > starts_at", name="times_in_order"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    title: Mapped[str]
    name_key: Mapped[str] = mapped_column(unique=True)
    about: Mapped[str]
    cover_url: Mapped[str | None]
    rule: Mapped[dict[str, Any]]
    sort: Mapped[str]
    position: Mapped[int]
    is_published: Mapped[bool]
    starts_at: Mapped[datetime | None]
    ends_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class SectionPick(Base):
    """A product that stands in a section because somebody picked it, before all others."""

    __tablename__ = "section_pick"

    section_id: Mapped[UUID] = mapped_column(ForeignKey("storefront_section.id"), primary_key=True)
    product_id: Mapped[UUID] = mapped_column(ForeignKey("product.id"), primary_key=True)
    position: Mapped[int]
