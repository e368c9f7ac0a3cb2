"""Operators' rules for searches, and what was searched for."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from mall.kernel.db import Base


class SearchRule(Base):
    """Words that mean the same, that say nothing, that mean others, or that must not be taken so."""

    __tablename__ = "search_rule"
    __table_args__ = (
        UniqueConstraint("kind", "key"),
        CheckConstraint("kind IN ('synonyms','filler','kept','forgotten')", name="kind_known"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    # By what two rules are one.
    key: Mapped[str]
    words: Mapped[list[Any]]
    meant: Mapped[str | None]
    changed_at: Mapped[datetime]


class SearchPlacement(Base):
    """A product that stands first or last for a query, whatever it is worth there."""

    __tablename__ = "search_placement"
    __table_args__ = (
        UniqueConstraint("key", "product_id"),
        CheckConstraint("place IN ('pinned','buried')", name="place_known"),
        Index("ix_search_placement_product_id", "product_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    query: Mapped[str]
    key: Mapped[str]
    product_id: Mapped[UUID] = mapped_column(ForeignKey("product.id"))
    place: Mapped[str]
    position: Mapped[int]
    changed_at: Mapped[datetime]


class SearchTally(Base):
    """How often words were searched for on a day of Beijing, and how often they found nothing."""

    __tablename__ = "search_tally"
    __table_args__ = (
        CheckConstraint("searches >= without_hits AND without_hits >= 0", name="counts_sane"),
    )

    day: Mapped[date] = mapped_column(primary_key=True)
    words: Mapped[str] = mapped_column(primary_key=True)
    searches: Mapped[int]
    without_hits: Mapped[int]
