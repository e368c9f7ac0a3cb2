"""Read what became of a fund without looking at every entry."""

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
    op.create_index(
        "ix_ledger_entry_fund",
        "ledger_entry",
        ["account"],
        postgresql_where=sa.text("account LIKE 'fund:%'"),
    )


def downgrade() -> None:
    op.drop_index("ix_ledger_entry_fund", "ledger_entry")
    op.drop_index("ix_bean_lot_programme_id", "bean_lot")
