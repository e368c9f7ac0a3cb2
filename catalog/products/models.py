"""Categories, products and SKUs."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from mall.kernel.db import Base, names_by


@names_by("name")
class Category(Base):
    """A node of the category tree; `path` lists the ids from the root, so a prefix is a subtree."""

    __tablename__ = "category"
    __table_args__ = (
        UniqueConstraint("parent_id", "name_key", postgresql_nulls_not_distinct=True),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("category.id"))
    name: Mapped[str]
    name_key: Mapped[str]
    path: Mapped[str]
    position: Mapped[int] = mapped_column(default=0)
    # Its products, and those below it, are sold only while the supplier holds a food licence.
    needs_food_licence: Mapped[bool] = mapped_column(default=False)


class Product(Base):
    """What is described and shown; what is sold are its SKUs."""

    __tablename__ = "product"
    __table_args__ = (
        UniqueConstraint("supplier_id", "source_id"),
        CheckConstraint(
            "state IN ('draft','in_review','rejected','approved','published','unpublished')",
            name="state_known",
        ),
        Index(
            "ix_product_scheduled",
            "id",
            postgresql_where=text("publish_at IS NOT NULL OR unpublish_at IS NOT NULL"),
        ),
        Index("ix_product_shown", "id", postgresql_where=text("state = 'published'")),
        Index("ix_product_price", "price_fen", "id", postgresql_where=text("state = 'published'")),
        Index("ix_product_category_id", "category_id"),
        Index("ix_product_supplier_id", "supplier_id", "id"),
        Index(
            "ix_product_search",
            "search_text",
            postgresql_using="gin",
            postgresql_ops={"search_text": "gin_trgm_ops"},
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    supplier_id: Mapped[UUID] = mapped_column(ForeignKey("supplier.id"))
    category_id: Mapped[UUID] = mapped_column(ForeignKey("category.id"))
    shipping_template_id: Mapped[UUID | None] = mapped_column(ForeignKey("shipping_template.id"))
    source_id: Mapped[str | None]
    title: Mapped[str]
    brief: Mapped[str]
    description: Mapped[str]
    brand: Mapped[str | None]
    unit: Mapped[str]
    keywords: Mapped[list[Any]]
    attributes: Mapped[list[Any]]
    image_urls: Mapped[list[Any]]
    delivery_modes: Mapped[list[Any]]
    search_text: Mapped[str]
    state: Mapped[str]
    price_fen: Mapped[int]
    list_price_fen: Mapped[int]
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime]
    published_at: Mapped[datetime | None]
    publish_at: Mapped[datetime | None]
    unpublish_at: Mapped[datetime | None]
    origin_region_code: Mapped[str | None]
    is_pavilion: Mapped[bool] = mapped_column(default=False)
    tags: Mapped[list[Any]] = mapped_column(default=list)
    # The kind of qualification that its supplier lacks: while it does, nobody can buy it.
    withheld_for: Mapped[str | None]


class Sku(Base):
    """One buyable combination of a product's options."""

    __tablename__ = "sku"
    __table_args__ = (
        UniqueConstraint("supplier_id", "code"),
        Index("ix_sku_product_id", "product_id"),
        CheckConstraint("price_fen >= 0 AND price_fen <= list_price_fen", name="price_sane"),
        CheckConstraint(
            "min_per_order >= 1 AND min_per_order <= max_per_order", name="limits_sane"
        ),
        CheckConstraint(
            "(member_limit IS NULL) = (member_limit_days IS NULL)", name="member_limit_whole"
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    product_id: Mapped[UUID] = mapped_column(ForeignKey("product.id"))
    supplier_id: Mapped[UUID] = mapped_column(ForeignKey("supplier.id"))
    code: Mapped[str]
    options: Mapped[list[Any]]
    list_price_fen: Mapped[int]
    price_fen: Mapped[int]
    weight_grams: Mapped[int]
    min_per_order: Mapped[int]
    max_per_order: Mapped[int]
    is_active: Mapped[bool] = mapped_column(default=True)
    position: Mapped[int]
    barcode: Mapped[str | None]
    purchase_price_fen: Mapped[int | None]
    member_limit: Mapped[int | None]
    member_limit_days: Mapped[int | None]
    low_stock_at: Mapped[int] = mapped_column(default=0)


class ProductRevision(Base):
    """A content that a supplier handed in, and what the reviewer said to it."""

    __tablename__ = "product_revision"
    __table_args__ = (
        CheckConstraint(
            "state IN ('in_review','approved','rejected','withdrawn')", name="state_known"
        ),
        Index(
            "ix_product_revision_open",
            "product_id",
            unique=True,
            postgresql_where=text("state = 'in_review'"),
        ),
        Index("ix_product_revision_queue", "id", postgresql_where=text("state = 'in_review'")),
        UniqueConstraint("product_id", "number"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    product_id: Mapped[UUID] = mapped_column(ForeignKey("product.id"))
    number: Mapped[int]
    content: Mapped[dict[str, Any]]
    state: Mapped[str]
    reasons: Mapped[list[Any]] = mapped_column(default=list)
    submitted_at: Mapped[datetime]
    reviewed_at: Mapped[datetime | None]
    reviewer_id: Mapped[UUID | None]


class PriceChange(Base):
    """The prices of a SKU from one instant on; the last row is today's."""

    __tablename__ = "price_change"

    sku_id: Mapped[UUID] = mapped_column(ForeignKey("sku.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    list_price_fen: Mapped[int]
    price_fen: Mapped[int]
    purchase_price_fen: Mapped[int | None]
    changed_at: Mapped[datetime]


class ProductFigure(Base):
    """What the search must know of a product's SKUs together: counted every few seconds."""

    __tablename__ = "product_figure"

    # No foreign key: counting must never wait for a product that somebody is changing.
    product_id: Mapped[UUID] = mapped_column(primary_key=True)
    is_available: Mapped[bool]
    sold: Mapped[int] = mapped_column(default=0)
