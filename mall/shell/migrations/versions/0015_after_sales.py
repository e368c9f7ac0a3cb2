"""After-sales cases; goods that replace others, and units taken back before they left."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0015"
down_revision = "0014"

SPLIT = ("order_id", "supplier_id", "delivery_mode")
LINE = "ck_fulfillment_line_not_too_many"


def _texts(*names: str, nullable: bool = False) -> list[sa.Column]:
    return [sa.Column(name, sa.Text(), nullable=nullable) for name in names]


def _ids(*names: str, nullable: bool = False) -> list[sa.Column]:
    return [sa.Column(name, sa.Uuid(), nullable=nullable) for name in names]


def _times(*names: str, nullable: bool = False) -> list[sa.Column]:
    return [sa.Column(name, sa.DateTime(timezone=True), nullable=nullable) for name in names]


def _counts(*names: str) -> list[sa.Column]:
    return [sa.Column(name, sa.BigInteger(), nullable=False) for name in names]


def _cases() -> None:
    op.create_table(
        "after_sales_case",
        *_ids("id"),
        *_texts("number"),
        *_ids("order_id"),
        *_texts("order_no"),
        *_ids("order_line_id", "fulfillment_order_id", "member_id", "supplier_id", "sku_id"),
        *_texts("title", "kind", "reason", "description"),
        sa.Column("photos", postgresql.JSONB(), nullable=False),
        *_counts("quantity"),
        sa.Column("is_unsent", sa.Boolean(), nullable=False),
        *_counts("held", "amount_fen"),
        *_texts("state"),
        *_times("due_at", nullable=True),
        sa.Column("return_to", postgresql.JSONB(), nullable=True),
        *_texts("return_carrier", "return_tracking_no", nullable=True),
        *_times("received_at", nullable=True),
        sa.Column("refunded_fen", sa.BigInteger(), nullable=True),
        sa.Column("freight_fen", sa.BigInteger(), server_default="0", nullable=False),
        *_ids("replacement_id", nullable=True),
        *_times("created_at"),
        *_times("closed_at", nullable=True),
        sa.CheckConstraint(
            "kind IN ('refund_only','return_and_refund','exchange')",
            name=op.f("ck_after_sales_case_kind_known"),
        ),
        sa.CheckConstraint(
            "state IN ('requested','awaiting_return','in_return','received','rejected','appealed',"
            "'refunded','replaced','withdrawn','dismissed','lapsed')",
            name=op.f("ck_after_sales_case_state_known"),
        ),
        sa.CheckConstraint(
            "quantity > 0 AND amount_fen > 0", name=op.f("ck_after_sales_case_about_something")
        ),
        sa.CheckConstraint(
            "held BETWEEN 0 AND quantity", name=op.f("ck_after_sales_case_held_within")
        ),
        sa.CheckConstraint(
            "(state = 'refunded') = (refunded_fen IS NOT NULL)",
            name=op.f("ck_after_sales_case_refunded_much"),
        ),
        sa.CheckConstraint(
            "(state = 'replaced') = (replacement_id IS NOT NULL)",
            name=op.f("ck_after_sales_case_replaced_how"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_after_sales_case")),
        sa.UniqueConstraint("number", name=op.f("uq_after_sales_case_number")),
    )
    table = "after_sales_case"
    op.create_index(op.f("ix_after_sales_case_order_id"), table, ["order_id"])
    op.create_index("ix_after_sales_case_member_id", table, ["member_id", "id"])
    op.create_index("ix_after_sales_case_supplier_id", table, ["supplier_id", "id"])
    op.create_index("ix_after_sales_case_order_line_id", table, ["order_line_id"])
    op.create_index(
        "ix_after_sales_case_due",
        table,
        ["due_at"],
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )


def _around() -> None:
    op.create_table(
        "after_sales_event",
        *_ids("case_id", "id"),
        *_times("happened_at"),
        *_texts("actor"),
        *_texts("from_state", nullable=True),
        *_texts("to_state", "note"),
        sa.ForeignKeyConstraint(
            ["case_id"], ["after_sales_case.id"], name=op.f("fk_after_sales_event_case_id")
        ),
        sa.PrimaryKeyConstraint("case_id", "id", name=op.f("pk_after_sales_event")),
    )
    op.create_table(
        "return_address",
        *_ids("supplier_id"),
        *_texts("recipient", "phone", "region_code", "detail"),
        sa.PrimaryKeyConstraint("supplier_id", name=op.f("pk_return_address")),
    )


def upgrade() -> None:
    op.add_column("fulfillment_order", sa.Column("case_id", sa.Uuid(), nullable=True))
    op.create_unique_constraint(
        op.f("uq_fulfillment_order_case_id"), "fulfillment_order", ["case_id"]
    )
    op.drop_constraint(op.f("uq_fulfillment_order_order_id_supplier_id_delivery_mode"), "fulfillment_order")
    op.create_index(
        "uq_fulfillment_order_split",
        "fulfillment_order",
        list(SPLIT),
        unique=True,
        postgresql_where=sa.text("case_id IS NULL"),
    )
    for name in ("held_quantity", "cancelled_quantity"):
        op.add_column(
            "fulfillment_line",
            sa.Column(name, sa.BigInteger(), server_default="0", nullable=False),
        )
    op.add_column(
        "fulfillment_line",
        sa.Column("is_replacement", sa.Boolean(), server_default=sa.false(), nullable=False),
    )
    op.drop_constraint(op.f("uq_fulfillment_line_order_line_id"), "fulfillment_line")
    op.create_index(
        "uq_fulfillment_line_order_line_id",
        "fulfillment_line",
        ["order_line_id"],
        unique=True,
        postgresql_where=sa.text("NOT is_replacement"),
    )
    op.drop_constraint(op.f(LINE), "fulfillment_line")
    op.create_check_constraint(
        op.f(LINE),
        "fulfillment_line",
        "dispatched_quantity >= 0 AND held_quantity >= 0 AND cancelled_quantity >= 0"
        " AND dispatched_quantity + held_quantity + cancelled_quantity <= quantity",
    )
    _cases()
    _around()


def downgrade() -> None:
    for name in ("return_address", "after_sales_event", "after_sales_case"):
        op.drop_table(name)
    op.execute("DELETE FROM fulfillment_line WHERE is_replacement")
    op.execute("DELETE FROM fulfillment_order WHERE case_id IS NOT NULL")
    op.drop_constraint(op.f(LINE), "fulfillment_line")
    op.create_check_constraint(
        op.f(LINE),
        "fulfillment_line",
        "dispatched_quantity >= 0 AND dispatched_quantity <= quantity",
    )
    op.drop_index("uq_fulfillment_line_order_line_id", "fulfillment_line")
    op.create_unique_constraint(
        op.f("uq_fulfillment_line_order_line_id"), "fulfillment_line", ["order_line_id"]
    )
    for name in ("is_replacement", "cancelled_quantity", "held_quantity"):
        op.drop_column("fulfillment_line", name)
    op.drop_index("uq_fulfillment_order_split", "fulfillment_order")
    op.create_unique_constraint(
        op.f("uq_fulfillment_order_order_id_supplier_id_delivery_mode"), "fulfillment_order", list(SPLIT)
    )
    op.drop_constraint(op.f("uq_fulfillment_order_case_id"), "fulfillment_order")
    op.drop_column("fulfillment_order", "case_id")
