"""Who gets what of a programme, and what became of it."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from mall.kernel.db import Base
from orders.entitlements import rules


class Entitlement(Base):
    """One recipient's entitlement in one programme, with the roster's words for the person.

    Its value lies on its lot: of the member, or of the entitlement itself while nobody has
    claimed the roster entry.
    """

    __tablename__ = "entitlement"
    __table_args__ = (
        CheckConstraint(
            "state IN ('listed','waiting','open','redeemed','ended','withdrawn')",
            name="state_known",
        ),
        CheckConstraint("amount_fen > 0", name="amount_positive"),
        CheckConstraint("state <> 'redeemed' OR order_id IS NOT NULL", name="redeemed_by_order"),
        CheckConstraint("(state = 'listed') <= (lot_id IS NULL)", name="listed_without_lot"),
        UniqueConstraint("programme_id", "entry_id"),
        UniqueConstraint("code"),
        Index("ix_entitlement_position", "programme_id", "position"),
        Index("ix_entitlement_entry_id", "entry_id"),
        Index(
            "ix_entitlement_member_id",
            "member_id",
            "id",
            postgresql_where=text("member_id IS NOT NULL"),
        ),
        Index("ix_entitlement_order_id", "order_id", postgresql_where=text("order_id IS NOT NULL")),
        # Issuing changes no column that an index knows, and finds room on the row's own page.
        {"postgresql_with": {"fillfactor": 50}},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    programme_id: Mapped[UUID]
    entry_id: Mapped[UUID]
    position: Mapped[int]
    name: Mapped[str]
    phone: Mapped[str | None]
    employee_no: Mapped[str | None]
    department: Mapped[str]
    member_id: Mapped[UUID | None]
    amount_fen: Mapped[int]
    # Issued on this day or after it; none: as soon as the programme is.
    due_on: Mapped[date | None]
    state: Mapped[str]
    lot_id: Mapped[UUID | None]
    code: Mapped[str | None]
    pack_id: Mapped[UUID | None]
    order_id: Mapped[UUID | None]
    issued_at: Mapped[datetime | None]
    redeemed_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    reminded_at: Mapped[datetime | None]

    @property
    def has_share(self) -> bool:
        """Whether something was ordered for it that was not taken away."""
        return self.order_id is not None and self.state != rules.WITHDRAWN
