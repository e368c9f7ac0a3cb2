"""Uploaded sheets, what each would do, and the images that came with them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from mall.kernel.db import Base


class Upload(Base):
    """A sheet on its way from file to products; what works on it holds a lease."""

    __tablename__ = "upload"
    __table_args__ = (
        CheckConstraint(
            "state IN ('waiting','checking','checked','applying','applied','failed')",
            name="state_known",
        ),
        Index("ix_upload_supplier_id", "supplier_id", "id"),
        Index("ix_upload_begun_at", "supplier_id", "begun_at"),
        Index(
            "ix_upload_open",
            "due_at",
            postgresql_where=text("state IN ('waiting','checking','applying')"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    supplier_id: Mapped[UUID] = mapped_column(ForeignKey("supplier.id"))
    file_key: Mapped[str]
    file_name: Mapped[str]
    digest: Mapped[str]
    format: Mapped[str]
    state: Mapped[str]
    # Nobody works on it before then.
    due_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    # A small one is read at once, and not for long; what takes longer is large.
    is_large: Mapped[bool] = mapped_column(default=True)
    begun_at: Mapped[datetime | None]
    total_rows: Mapped[int] = mapped_column(default=0)
    done_rows: Mapped[int] = mapped_column(default=0)
    is_submitted: Mapped[bool] = mapped_column(default=True)
    skips_wrong: Mapped[bool] = mapped_column(default=False)
    problem: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime]
    checked_at: Mapped[datetime | None]
    applied_at: Mapped[datetime | None]


class UploadItem(Base):
    """One product of a sheet: what would become of it, or what is wrong with its rows."""

    __tablename__ = "upload_item"
    __table_args__ = (
        CheckConstraint("action IN ('create','change','unchanged','wrong')", name="action_known"),
        CheckConstraint("state IN ('pending','done','failed')", name="state_known"),
        Index(
            "ix_upload_item_pending",
            "upload_id",
            "position",
            postgresql_where=text("state = 'pending'"),
        ),
    )

    upload_id: Mapped[UUID] = mapped_column(ForeignKey("upload.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    product_code: Mapped[str]
    title: Mapped[str]
    row_count: Mapped[int]
    action: Mapped[str]
    state: Mapped[str]
    product_id: Mapped[UUID | None]
    content: Mapped[dict[str, Any] | None]
    stock: Mapped[dict[str, Any]]
    changes: Mapped[list[Any]]
    problems: Mapped[list[Any]]


class UploadArchive(Base):
    """A zip of images that belongs to a sheet."""

    __tablename__ = "upload_archive"

    upload_id: Mapped[UUID] = mapped_column(ForeignKey("upload.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    file_key: Mapped[str]
    is_unpacked: Mapped[bool] = mapped_column(default=False)


class UploadImage(Base):
    """An image of a sheet, from a zip or an address, and where it is kept."""

    __tablename__ = "upload_image"

    upload_id: Mapped[UUID] = mapped_column(ForeignKey("upload.id"), primary_key=True)
    source: Mapped[str] = mapped_column(primary_key=True)
    sku_code: Mapped[str]
    position: Mapped[int]
    url: Mapped[str | None]
    problem: Mapped[str | None]
