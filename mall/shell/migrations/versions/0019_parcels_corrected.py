"""Numbers of parcels that were corrected; by when something has to leave."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    op.add_column(
        "shipment",
        sa.Column("earlier", postgresql.JSONB(), server_default="[]", nullable=False),
    )


    for name in ("dispatch_by", "reminded_at"):
        op.add_column(
            "fulfillment_order", sa.Column(name, sa.DateTime(timezone=True), nullable=True)
        )
    op.create_index(
        "ix_fulfillment_order_dispatch_by",
        "fulfillment_order",
        ["dispatch_by"],
        postgresql_where=sa.text("state IN ('open','partly_dispatched')"),
    )


def downgrade() -> None:
    op.drop_index("ix_fulfillment_order_dispatch_by", "fulfillment_order")
    for name in ("reminded_at", "dispatch_by"):
        op.drop_column("fulfillment_order", name)
    op.drop_column("shipment", "earlier")
