"""Vouchers: each lets one unit be collected once."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from mall.kernel.db import Base


class PickupVoucher(Base):
    """The right to collect one unit of a line; its code is kept as a hash only."""

    __tablename__ = "pickup_voucher"
    __table_args__ = (
        # However often the job runs, a unit has one.
        UniqueConstraint("fulfillment_line_id", "position"),
        CheckConstraint("state IN ('valid','redeemed','revoked')", name="state_known"),
        CheckConstraint("(state = 'redeemed') = (redeemed_at IS NOT NULL)", name="redeemed_when"),
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
    state: Mapped[str]
    created_at: Mapped[datetime]
    redeemed_at: Mapped[datetime | None]
    redeemed_by: Mapped[str | None]
