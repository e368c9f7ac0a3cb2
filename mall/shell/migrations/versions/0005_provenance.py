"""Order lines remember where goods came from and what their supplier could show."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("order_line", sa.Column("origin_region_code", sa.Text(), nullable=True))
    op.add_column("order_line", sa.Column("assistance_id", sa.Uuid(), nullable=True))
    op.add_column("order_line", sa.Column("assistance_region_code", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("order_line", "assistance_region_code")
    op.drop_column("order_line", "assistance_id")
    op.drop_column("order_line", "origin_region_code")
