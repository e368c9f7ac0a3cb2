"""Merchants of payments; what went over the wire."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.add_column(
        "payment", sa.Column("merchant", sa.Text(), server_default="main", nullable=False)
    )
    op.create_table(
        "gateway_message",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        *(
            sa.Column(name, sa.Text(), nullable=False)
            for name in ("merchant", "operation", "number", "outcome", "sent", "received")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gateway_message")),
    )
    op.create_index(op.f("ix_gateway_message_at"), "gateway_message", ["at"])
    op.create_index("ix_gateway_message_number", "gateway_message", ["number", "id"])


def downgrade() -> None:
    op.drop_table("gateway_message")
    op.drop_column("payment", "merchant")
