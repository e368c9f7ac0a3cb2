"""Who made an adjustment stays with it."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    op.add_column("settlement_item", sa.Column("recorded_by", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("settlement_item", "recorded_by")
