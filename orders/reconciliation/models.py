"""Bills of WeChat, their lines, and the differences that were found."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column

from mall.kernel.db import Base


class Bill(Base):
    """The bill of one merchant's day, and what it adds up to."""

    __tablename__ = "bill"
    __table_args__ = (
        CheckConstraint("state IN ('wanted','checked','empty')", name="state_known"),
        Index("ix_bill_wanted", "try_at", postgresql_where=text("state = 'wanted'")),
    )

    merchant: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    state: Mapped[str]
    try_at: Mapped[datetime]
    last_error: Mapped[str | None]
    line_count: Mapped[int] = mapped_column(default=0)
    paid_fen: Mapped[int] = mapped_column(default=0)
    refunded_fen: Mapped[int] = mapped_column(default=0)
    fee_fen: Mapped[int] = mapped_column(default=0)
    checked_at: Mapped[datetime | None]


class BillEntry(Base):
    """One line of a bill, as it stands there; several may bear the same number."""

    __tablename__ = "bill_line"
    __table_args__ = (
        Index("ix_bill_line_number", "number"),
        # What we posted under a number is proved by one line, on whichever day.
        Index(
            "uq_bill_line_proof",
            "merchant",
            "kind",
            "number",
            unique=True,
            postgresql_where=text("is_proof"),
        ),
    )

    merchant: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    line: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    number: Mapped[str]
    wechat_no: Mapped[str]
    amount_fen: Mapped[int]
    fee_fen: Mapped[int]
    coupon_fen: Mapped[int]
    state: Mapped[str]
    mch_id: Mapped[str]
    currency: Mapped[str]
    traded_at: Mapped[datetime]
    # Whether this is the line that proves what we posted under its number.
    is_proof: Mapped[bool] = mapped_column(default=False, server_default=false())


class ReconciliationCase(Base):
    """One difference between a bill and what we know; it lives until it is explained or gone."""

    __tablename__ = "reconciliation_case"
    __table_args__ = (
        UniqueConstraint("merchant", "kind", "number", "difference", "place"),
        CheckConstraint("kind IN ('payment','refund')", name="kind_known"),
        CheckConstraint(
            "difference IN ('unknown_to_us','missing_at_wechat','amount_differs','state_differs',"
            "'fee_differs','line_repeated','coupon_used','other_merchant','other_currency',"
            "'other_day')",
            name="difference_known",
        ),
        CheckConstraint("state IN ('open','explained','vanished')", name="state_known"),
        CheckConstraint("(state = 'explained') = (note IS NOT NULL)", name="explained_how"),
        Index("ix_reconciliation_case_day", "merchant", "day"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    merchant: Mapped[str]
    day: Mapped[date]
    kind: Mapped[str]
    number: Mapped[str]
    difference: Mapped[str]
    # Day and line of the bill where it is about a further line of the same number; else empty.
    place: Mapped[str] = mapped_column(default="", server_default="")
    # What each side says: an amount, a fee or a state.
    at_wechat: Mapped[str]
    with_us: Mapped[str]
    # How much more WeChat has than our clearing account, because of this, in fen.
    difference_fen: Mapped[int]
    state: Mapped[str]
    note: Mapped[str | None]
    explained_by: Mapped[str | None]
    found_at: Mapped[datetime]
    changed_at: Mapped[datetime]
