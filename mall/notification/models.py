"""Notices for members and for the people who work with the mall."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from mall.kernel.db import Base


class Notice(Base):
    """Something that one member, supplier, union or store, or the operators, should know."""

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


class WeChatMessage(Base):
    """A subscribe message to one member on its way; its notice stays in the app whatever happens."""

    __tablename__ = "wechat_message"
    __table_args__ = (
        CheckConstraint("state IN ('pending','sent','refused','failed')", name="state_known"),
        Index("ix_wechat_message_due", "due_at", postgresql_where=text("state = 'pending'")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    member_id: Mapped[UUID]
    kind: Mapped[str]
    data: Mapped[dict[str, Any]]
    state: Mapped[str]
    attempts: Mapped[int]
    due_at: Mapped[datetime]
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    reason: Mapped[str | None]
