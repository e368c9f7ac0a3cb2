"""Loads that a unit received, and what became of each person's share."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    op.add_column(
        "after_sales_case",
        sa.Column("needs_return", sa.Boolean(), server_default=sa.true(), nullable=False),
    )
    op.create_table(
        "load_receipt",
        *(sa.Column(name, sa.Uuid(), nullable=False) for name in ("shipment_id", "programme_id")),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("received_by", "note")),
        sa.ForeignKeyConstraint(
            ["shipment_id"], ["shipment.id"], name=op.f("fk_load_receipt_shipment_id")
        ),
        sa.PrimaryKeyConstraint("shipment_id", name=op.f("pk_load_receipt")),
    )
    op.create_index(
        op.f("ix_load_receipt_programme_id"), "load_receipt", ["programme_id", "received_at"]
    )
    op.create_table(
        "load_receipt_line",
        *(
            sa.Column(name, sa.Uuid(), nullable=False)
            for name in ("shipment_id", "fulfillment_line_id")
        ),
        *(
            sa.Column(name, sa.BigInteger(), nullable=False)
            for name in ("sent", "received", "damaged")
        ),
        sa.CheckConstraint(
            "received >= 0 AND damaged >= 0 AND received + damaged <= sent",
            name=op.f("ck_load_receipt_line_within_sent"),
        ),
        sa.ForeignKeyConstraint(
            ["shipment_id"],
            ["load_receipt.shipment_id"],
            name=op.f("fk_load_receipt_line_shipment_id"),
        ),
        sa.ForeignKeyConstraint(
            ["fulfillment_line_id"],
            ["fulfillment_line.id"],
            name=op.f("fk_load_receipt_line_fulfillment_line_id"),
        ),
        sa.PrimaryKeyConstraint(
            "shipment_id", "fulfillment_line_id", name=op.f("pk_load_receipt_line")
        ),
    )
    op.create_table(
        "hand_out",
        *(
            sa.Column(name, sa.Uuid(), nullable=False)
            for name in ("entitlement_id", "programme_id")
        ),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("state", "method")),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("recorded_by", "note")),
        *(sa.Column(name, sa.Text(), nullable=True) for name in ("carrier", "tracking_no")),
        sa.CheckConstraint(
            "state IN ('handed_out','kept','forwarded')", name=op.f("ck_hand_out_state_known")
        ),
        sa.PrimaryKeyConstraint("entitlement_id", name=op.f("pk_hand_out")),
    )
    op.create_index(op.f("ix_hand_out_programme_id"), "hand_out", ["programme_id", "state"])


def downgrade() -> None:
    for table in ("hand_out", "load_receipt_line", "load_receipt"):
        op.drop_table(table)
    op.drop_column("after_sales_case", "needs_return")
