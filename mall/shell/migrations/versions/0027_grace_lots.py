"""Beans that come back of an expired lot get a lot of their own (docs/adr/0032)."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    op.add_column("bean_lot", sa.Column("came_from_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f("fk_bean_lot_came_from_id"), "bean_lot", "bean_lot", ["came_from_id"], ["id"]
    )


def downgrade() -> None:
    op.drop_constraint(op.f("fk_bean_lot_came_from_id"), "bean_lot")
    op.drop_column("bean_lot", "came_from_id")
