"""Vouchers: each lets one unit be collected once."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from mall.kernel.db import Base


class PickupVoucher(Base):
    """The right to collect one unit of a line; its codes are kept as hashes only."""

    __tablename__ = "pickup_voucher"
    __table_args__ = (
        # However often the job runs, a unit has one.
        UniqueConstraint("fulfillment_line_id", "position"),
        CheckConstraint("state IN ('valid','redeemed','revoked','expired')", name="state_known"),
        CheckConstraint("(state = 'redeemed') = (redeemed_at IS NOT NULL)", name="redeemed_when"),
        Index("ix_pickup_voucher_short", "supplier_id", "short_hash"),
        Index(
            "ix_pickup_voucher_expires_at", "expires_at", postgresql_where=text("state = 'valid'")
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    fulfillment_order_id: Mapped[UUID] = mapped_column(
        ForeignKey("fulfillment_order.id"), index=True
    )
    fulfillment_line_id: Mapped[UUID] = mapped_column(ForeignKey("fulfillment_line.id"))
    position: Mapped[int]
    supplier_id: Mapped[UUID]
    member_id: Mapped[UUID]
    code_hash: Mapped[str] = mapped_column(unique=True)
    # Of ten digits, keyed with the service's secret; None: issued before there were short codes.
    short_hash: Mapped[str | None]
    state: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    reminded_at: Mapped[datetime | None]
    redeemed_at: Mapped[datetime | None]
    redeemed_by: Mapped[str | None]
    store_id: Mapped[UUID | None] = mapped_column(ForeignKey("store.id"))
    # What the store that handed it out was called then.
    store_name: Mapped[str | None]
    # The key of the request that used it: the same request gets the same answer.
    request_key: Mapped[str | None]
    # What was taken back or extended, each with who did it when and why.
    history: Mapped[list[Any]] = mapped_column(default=list, server_default="[]")
