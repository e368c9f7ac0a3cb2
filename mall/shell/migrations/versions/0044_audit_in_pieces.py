"""What audits remember, the indexes by which they find what belongs to one thing, sums of sales.

References of transfers are compared byte by byte: an index of them then finds all of one kind.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0044"
down_revision = "0043"

_IN_TIME = "BETWEEN '1970-01-01 00:00:00+00' AND '2102-01-01 00:00:00+00'"


def _moment(table: str, name: str) -> tuple[sa.Column, sa.CheckConstraint]:
    return (
        sa.Column(name, sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(f"{name} {_IN_TIME}", name=op.f(f"ck_{table}_{name}_in_time")),
    )


def _tables() -> None:
    op.create_table(
        "audit_mark",
        sa.Column("id", sa.BigInteger(), primary_key=True),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("horizon", sa.BigInteger(), nullable=False),
        *_moment("audit_mark", "taken_at"),
        sa.CheckConstraint("id = 1", name=op.f("ck_audit_mark_only_one")),
    )
    op.create_table(
        "audit_round",
        sa.Column("subject", sa.Text(), primary_key=True),
        sa.Column("reached", sa.Text()),
        sa.Column("is_over", sa.Boolean(), nullable=False),
        sa.Column("horizon", sa.BigInteger(), nullable=False),
        *_moment("audit_round", "started_at"),
        *_moment("audit_round", "due_at"),
    )
    op.create_table(
        "audit_sum",
        sa.Column("name", sa.Text(), primary_key=True),
        sa.Column("key", sa.Text(), primary_key=True),
        sa.Column("carried", sa.BigInteger(), nullable=False),
        sa.Column("at_round", sa.BigInteger(), nullable=False),
        sa.Column("counted", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "audit_count",
        sa.Column("table_name", sa.Text(), primary_key=True),
        sa.Column("rows", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "audit_suspect",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("keys", ARRAY(sa.Text()), nullable=False),
        *_moment("audit_suspect", "found_at"),
        sa.CheckConstraint("cardinality(keys) > 0", name=op.f("ck_audit_suspect_some")),
    )


def _sales() -> None:
    op.create_table(
        "stock_sale",
        sa.Column("sku_id", sa.Uuid(), primary_key=True),
        sa.Column("sold", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "stock_sale_mark",
        sa.Column("id", sa.BigInteger(), primary_key=True),
        *_moment("stock_sale_mark", "before"),
        sa.CheckConstraint("id = 1", name=op.f("ck_stock_sale_mark_only_one")),
    )
    op.create_index(
        "ix_stock_movement_moved_at", "stock_movement", ["moved_at"], postgresql_using="brin"
    )


def upgrade() -> None:
    _tables()
    _sales()
    op.execute('ALTER TABLE ledger_transfer ALTER COLUMN reference TYPE text COLLATE "C"')
    op.execute(
        "CREATE INDEX ix_access_token_ended ON access_token (least(expires_at, revoked_at))"
    )
    op.create_index("ix_used_login_code_used_at", "used_login_code", ["used_at"])
    op.create_index("ix_payment_merchant", "payment", ["merchant", "created_at"])
    op.create_index("ix_bean_hold_lot_id", "bean_hold", ["lot_id"])
    op.create_index("ix_stock_movement_reference", "stock_movement", ["reference"])
    op.create_index("ix_value_act_subject", "value_act", ["subject", "kind"])
    op.create_index(
        "ix_fulfillment_line_replacement",
        "fulfillment_line",
        ["order_line_id"],
        postgresql_where=sa.text("is_replacement"),
    )
    op.create_index(
        "ix_settlement_item_adjustment",
        "settlement_item",
        ["id"],
        postgresql_where=sa.text("kind = 'adjustment'"),
    )
    op.create_index(
        "ix_refund_unpaid",
        "refund",
        ["purpose"],
        postgresql_where=sa.text("state NOT IN ('succeeded','settled')"),
    )
    # One index for what an order was split into and for what replaces it.
    op.drop_index("uq_fulfillment_order_split", "fulfillment_order")
    op.create_index(
        "uq_fulfillment_order_split",
        "fulfillment_order",
        ["order_id", "supplier_id", "delivery_mode", "case_id"],
        unique=True,
        postgresql_nulls_not_distinct=True,
    )


def downgrade() -> None:
    op.drop_index("uq_fulfillment_order_split", "fulfillment_order")
    op.create_index(
        "uq_fulfillment_order_split",
        "fulfillment_order",
        ["order_id", "supplier_id", "delivery_mode"],
        unique=True,
        postgresql_where=sa.text("case_id IS NULL"),
    )
    for name, table in (
        ("ix_refund_unpaid", "refund"),
        ("ix_settlement_item_adjustment", "settlement_item"),
        ("ix_fulfillment_line_replacement", "fulfillment_line"),
        ("ix_value_act_subject", "value_act"),
        ("ix_stock_movement_reference", "stock_movement"),
        ("ix_bean_hold_lot_id", "bean_hold"),
        ("ix_payment_merchant", "payment"),
        ("ix_used_login_code_used_at", "used_login_code"),
        ("ix_access_token_ended", "access_token"),
    ):
        op.drop_index(name, table)
    op.execute("ALTER TABLE ledger_transfer ALTER COLUMN reference TYPE text")
    op.drop_index("ix_stock_movement_moved_at", "stock_movement")
    for table in ("stock_sale_mark", "stock_sale", "audit_suspect", "audit_count", "audit_sum", "audit_round", "audit_mark"):
        op.drop_table(table)
