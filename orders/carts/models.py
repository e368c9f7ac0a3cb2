"""The cart of a member, kept on the server."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from mall.kernel.db import Base


class CartLine(Base):
    """So many of a SKU that a member means to buy, and the price it saw."""

    __tablename__ = "cart_line"
    __table_args__ = (CheckConstraint("quantity > 0", name="quantity_positive"),)

    member_id: Mapped[UUID] = mapped_column(primary_key=True)
    sku_id: Mapped[UUID] = mapped_column(primary_key=True)
    quantity: Mapped[int]
    delivery_mode: Mapped[str | None]
    seen_price_fen: Mapped[int]
    added_at: Mapped[datetime]
