"""Read funds without looking at every entry; issue rights without touching an index."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.create_index(
        "ix_bean_lot_programme_id",
        "bean_lot",
        ["programme_id"],
        postgresql_where=sa.text("programme_id IS NOT NULL"),
    )
    op.drop_index("ix_entitlement_listed", "entitlement")
    op.execute("ALTER TABLE entitlement SET (fillfactor = 50)")
    op.add_column(
        "programme",
        sa.Column("issued_up_to", sa.BigInteger(), server_default="0", nullable=False),
    )
    op.alter_column("programme", "issued_up_to", server_default=None)
    op.add_column("programme", sa.Column("told_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_ledger_entry_fund",
        "ledger_entry",
        ["account"],
        postgresql_where=sa.text("account LIKE 'fund:%'"),
    )


def downgrade() -> None:
    op.drop_index("ix_ledger_entry_fund", "ledger_entry")
    op.drop_column("programme", "told_at")
    op.drop_column("programme", "issued_up_to")
    op.execute("ALTER TABLE entitlement RESET (fillfactor)")
    op.create_index(
        "ix_entitlement_listed",
        "entitlement",
        ["programme_id", "due_on", "id"],
        postgresql_where=sa.text("state = 'listed'"),
    )
    op.drop_index("ix_bean_lot_programme_id", "bean_lot")
