"""What unions set out to buy from assisted regions."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from mall.kernel.db import Base


class AssistanceTarget(Base):
    """A union's target of consumption assistance for a year, in fen or as a share of its budget."""

    __tablename__ = "assistance_target"
    __table_args__ = (
        CheckConstraint("target_fen >= 0 AND budget_fen >= 0", name="amounts_not_negative"),
        CheckConstraint("share_bps BETWEEN 0 AND 10000", name="share_sane"),
        CheckConstraint("year BETWEEN 2020 AND 2100", name="year_sane"),
    )

    union_id: Mapped[UUID] = mapped_column(primary_key=True)
    year: Mapped[int] = mapped_column(primary_key=True)
    # What the union was called when it set the target.
    union_name: Mapped[str]
    target_fen: Mapped[int]
    budget_fen: Mapped[int | None]
    share_bps: Mapped[int | None]
    counts_members: Mapped[bool]
    updated_at: Mapped[datetime]
