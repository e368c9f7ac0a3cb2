"""Notices for the people who work with the mall."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from mall.kernel.db import Base


class Notice(Base):
    """Something that one supplier, union or store, or the operators, should know."""

    __tablename__ = "notice"
    __table_args__ = (
        UniqueConstraint("audience", "scope_id", "reference", postgresql_nulls_not_distinct=True),
        Index("ix_notice_audience", "audience", "scope_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    audience: Mapped[str]
    scope_id: Mapped[UUID | None]
    kind: Mapped[str]
    reference: Mapped[str]
    text_zh: Mapped[str]
    text_en: Mapped[str]
    created_at: Mapped[datetime]
    read_at: Mapped[datetime | None]
