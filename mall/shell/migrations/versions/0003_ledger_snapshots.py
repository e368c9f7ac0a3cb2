"""Rolled-up sums of the ledger's system accounts, and a way to find what was posted since."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "ledger_snapshot",
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("asset", sa.Text(), nullable=False),
        sa.Column("before", sa.DateTime(timezone=True), nullable=False),
        sa.Column("balance_fen", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account", "asset", "before", name="pk_ledger_snapshot"),
    )
    op.create_index(
        "ix_ledger_transfer_posted_at", "ledger_transfer", ["posted_at"], postgresql_using="brin"
    )


def downgrade() -> None:
    op.drop_index("ix_ledger_transfer_posted_at", "ledger_transfer")
    op.drop_table("ledger_snapshot")
