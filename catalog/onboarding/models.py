"""The documents that suppliers show, and what each of them proves."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from mall.kernel.db import Base


class SupplierApplication(Base):
    """Where an application came from, and what it is told apart by."""

    __tablename__ = "supplier_application"
    __table_args__ = (
        Index("ix_supplier_application_source", "source", "created_at"),
        Index("ix_supplier_application_phone", "phone"),
        Index("ix_supplier_application_name", "name"),
    )

    supplier_id: Mapped[UUID] = mapped_column(ForeignKey("supplier.id"), primary_key=True)
    # A network of the public internet; none where the address says nothing of who asks.
    source: Mapped[str | None]
    phone: Mapped[str]
    name: Mapped[str]
    created_at: Mapped[datetime]


class SupplierDocument(Base):
    """A file that a supplier sent in; only it and operators may read it."""

    __tablename__ = "supplier_document"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    supplier_id: Mapped[UUID] = mapped_column(ForeignKey("supplier.id"), index=True)
    file_key: Mapped[str]
    content_type: Mapped[str]
    size_bytes: Mapped[int]
    created_at: Mapped[datetime]


class Qualification(Base):
    """What a document proves of a supplier, and on which days; renewed by another one."""

    __tablename__ = "supplier_qualification"
    __table_args__ = (
        CheckConstraint("kind IN ('business_licence','food_licence','assistance')", name="kind"),
        CheckConstraint("state IN ('in_review','approved','rejected')", name="state_known"),
        CheckConstraint("valid_until >= valid_from", name="days_in_order"),
        Index("ix_supplier_qualification_supplier_id", "supplier_id", "kind"),
        Index(
            "ix_supplier_qualification_ending",
            "valid_until",
            postgresql_where=text("state = 'approved'"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    supplier_id: Mapped[UUID] = mapped_column(ForeignKey("supplier.id"))
    document_id: Mapped[UUID] = mapped_column(ForeignKey("supplier_document.id"))
    kind: Mapped[str]
    number: Mapped[str]
    valid_from: Mapped[date]
    valid_until: Mapped[date | None]
    region_code: Mapped[str | None]
    state: Mapped[str]
    reasons: Mapped[list[Any]] = mapped_column(default=list)
    created_at: Mapped[datetime]
    reviewed_at: Mapped[datetime | None]
    reviewer_id: Mapped[UUID | None]
