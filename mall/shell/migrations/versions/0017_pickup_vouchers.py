"""Vouchers for what is collected."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.create_table(
        "pickup_voucher",
        *(
            sa.Column(name, sa.Uuid(), nullable=False)
            for name in ("id", "fulfillment_order_id", "fulfillment_line_id")
        ),
        sa.Column("position", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.Uuid(), nullable=False) for name in ("supplier_id", "member_id")),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("code_hash", "state")),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("redeemed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("redeemed_by", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state IN ('valid','redeemed','revoked')", name=op.f("ck_pickup_voucher_state_known")
        ),
        sa.CheckConstraint(
            "(state = 'redeemed') = (redeemed_at IS NOT NULL)",
            name=op.f("ck_pickup_voucher_redeemed_when"),
        ),
        sa.ForeignKeyConstraint(
            ["fulfillment_order_id"],
            ["fulfillment_order.id"],
            name=op.f("fk_pickup_voucher_fulfillment_order_id"),
        ),
        sa.ForeignKeyConstraint(
            ["fulfillment_line_id"],
            ["fulfillment_line.id"],
            name=op.f("fk_pickup_voucher_fulfillment_line_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pickup_voucher")),
        sa.UniqueConstraint("code_hash", name=op.f("uq_pickup_voucher_code_hash")),
        sa.UniqueConstraint(
            "fulfillment_line_id",
            "position",
            name=op.f("uq_pickup_voucher_fulfillment_line_id_position"),
        ),
    )
    op.create_index(
        op.f("ix_pickup_voucher_fulfillment_order_id"), "pickup_voucher", ["fulfillment_order_id"]
    )


def downgrade() -> None:
    op.drop_table("pickup_voucher")
