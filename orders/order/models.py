"""Orders, their lines, and their history."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from mall.kernel.db import Base


class Order(Base):
    """What a member agreed to buy, at fixed prices, and how it is paid."""

    __tablename__ = "shop_order"
    __table_args__ = (
        CheckConstraint(
            "state IN ('awaiting_payment','paid','completed','cancelled')", name="state_known"
        ),
        CheckConstraint("total_fen = goods_fen + freight_fen", name="total_adds_up"),
        CheckConstraint("total_fen = beans_fen + wechat_fen", name="tenders_add_up"),
        CheckConstraint("beans_fen >= 0 AND wechat_fen >= 0", name="tenders_not_negative"),
        CheckConstraint(
            "refunded_beans_fen BETWEEN 0 AND beans_fen"
            " AND refunded_wechat_fen BETWEEN 0 AND wechat_fen",
            name="never_more_back",
        ),
        Index("ix_shop_order_member_id", "member_id", "id"),
        Index("ix_shop_order_union_id", "union_id", "paid_at"),
        Index(
            "ix_shop_order_unpaid",
            "pay_by",
            postgresql_where=text("state = 'awaiting_payment'"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    order_no: Mapped[str] = mapped_column(unique=True)
    member_id: Mapped[UUID]
    # The union that buys, where it is not the member's own purchase.
    union_id: Mapped[UUID | None]
    state: Mapped[str]
    tender: Mapped[str]
    goods_fen: Mapped[int]
    freight_fen: Mapped[int]
    total_fen: Mapped[int]
    beans_fen: Mapped[int]
    wechat_fen: Mapped[int]
    # What went back of each tender since it was paid, line by line.
    refunded_beans_fen: Mapped[int] = mapped_column(default=0, server_default="0")
    refunded_wechat_fen: Mapped[int] = mapped_column(default=0, server_default="0")
    freight: Mapped[list[Any]]
    address: Mapped[dict[str, Any] | None]
    note: Mapped[str]
    placed_at: Mapped[datetime]
    pay_by: Mapped[datetime | None]
    paid_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]
    cancel_reason: Mapped[str | None]
    # From here on nothing of it can be taken back by a cancellation.
    dispatch_began_at: Mapped[datetime | None]


class OrderProgramme(Base):
    """How much of a programme's value an order takes."""

    __tablename__ = "order_programme"
    __table_args__ = (
        CheckConstraint("amount_fen > 0", name="amount_positive"),
        CheckConstraint("returned_fen BETWEEN 0 AND amount_fen", name="never_more_back"),
        Index("ix_order_programme_order_id", "order_id"),
    )

    programme_id: Mapped[UUID] = mapped_column(primary_key=True)
    order_id: Mapped[UUID] = mapped_column(ForeignKey("shop_order.id"), primary_key=True)
    amount_fen: Mapped[int]
    returned_fen: Mapped[int] = mapped_column(default=0, server_default="0")


class OrderLine(Base):
    """One SKU of an order at the price agreed, and which tender pays how much of it."""

    __tablename__ = "order_line"
    __table_args__ = (
        CheckConstraint("quantity > 0", name="quantity_positive"),
        CheckConstraint("amount_fen = quantity * price_fen", name="amount_adds_up"),
        CheckConstraint("amount_fen = beans_fen + wechat_fen", name="tenders_add_up"),
        CheckConstraint(
            "returned_quantity BETWEEN 0 AND quantity", name="no_more_returned_than_sold"
        ),
        Index(
            "ix_order_line_assistance",
            "order_id",
            postgresql_where=text("assistance_id IS NOT NULL"),
        ),
    )

    order_id: Mapped[UUID] = mapped_column(ForeignKey("shop_order.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    position: Mapped[int]
    sku_id: Mapped[UUID]
    product_id: Mapped[UUID]
    supplier_id: Mapped[UUID]
    supplier_name: Mapped[str]
    title: Mapped[str]
    options: Mapped[list[Any]]
    image_url: Mapped[str | None]
    delivery_mode: Mapped[str]
    quantity: Mapped[int]
    price_fen: Mapped[int]
    amount_fen: Mapped[int]
    beans_fen: Mapped[int]
    wechat_fen: Mapped[int]
    bean_lots: Mapped[list[Any]]
    # What was true of the supplier and the goods when they were sold.
    origin_region_code: Mapped[str | None]
    assistance_id: Mapped[UUID | None]
    assistance_region_code: Mapped[str | None]
    # What the mall keeps of the sale, in ten-thousandths.
    commission_bps: Mapped[int]
    # Units whose whole price went back: they do not count against the member's limit any more.
    returned_quantity: Mapped[int] = mapped_column(default=0, server_default="0")


class OrderEvent(Base):
    """One step in an order's life: who did what when."""

    __tablename__ = "order_event"

    order_id: Mapped[UUID] = mapped_column(ForeignKey("shop_order.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    happened_at: Mapped[datetime]
    actor: Mapped[str]
    from_state: Mapped[str | None]
    to_state: Mapped[str]
    note: Mapped[str]
