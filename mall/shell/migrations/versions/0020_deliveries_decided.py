"""Deliveries that an operator decided about; parked ones found without reading finished ones."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    op.add_column("outbox_delivery", sa.Column("decided_by", sa.Text(), nullable=True))
    op.add_column(
        "outbox_delivery", sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.add_column("outbox_delivery", sa.Column("note", sa.Text(), nullable=True))
    op.create_index(
        "ix_outbox_delivery_parked",
        "outbox_delivery",
        ["id"],
        postgresql_where=sa.text("state = 'parked'"),
    )


def downgrade() -> None:
    op.drop_index("ix_outbox_delivery_parked", "outbox_delivery")
    for name in ("note", "decided_at", "decided_by"):
        op.drop_column("outbox_delivery", name)
