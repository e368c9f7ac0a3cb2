"""Refunds of cancelled orders; funds that are closed."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.add_column(
        "ledger_fund", sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.add_column(
        "refund", sa.Column("purpose", sa.Text(), server_default="late", nullable=False)
    )
    op.create_check_constraint(
        op.f("ck_refund_purpose_known"), "refund", "purpose IN ('late','cancelled')"
    )
    for name in ("settled_by", "channel", "channel_reference", "note"):
        op.add_column("refund", sa.Column(name, sa.Text(), nullable=True))
    op.drop_constraint(op.f("ck_refund_state_known"), "refund")
    op.create_check_constraint(
        op.f("ck_refund_state_known"),
        "refund",
        "state IN ('requested','accepted','succeeded','failed','settled')",
    )
    op.create_check_constraint(
        op.f("ck_refund_settled_somehow"),
        "refund",
        "(state = 'settled') = (channel IS NOT NULL)",
    )


def downgrade() -> None:
    op.drop_constraint(op.f("ck_refund_settled_somehow"), "refund")
    op.drop_constraint(op.f("ck_refund_state_known"), "refund")
    op.create_check_constraint(
        op.f("ck_refund_state_known"),
        "refund",
        "state IN ('requested','accepted','succeeded','failed')",
    )
    for name in ("settled_by", "channel", "channel_reference", "note"):
        op.drop_column("refund", name)
    op.drop_constraint(op.f("ck_refund_purpose_known"), "refund")
    op.drop_column("refund", "purpose")
    op.drop_column("ledger_fund", "closed_at")
