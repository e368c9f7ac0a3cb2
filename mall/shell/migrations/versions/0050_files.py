"""Files that are not in force end; sheets are small or large, and suppliers take turns."""

import sqlalchemy as sa
from alembic import op

revision = "0050"
down_revision = "0026"


def upgrade() -> None:
    op.create_table(
        "ended_file",
        sa.Column("key", sa.Text(), primary_key=True),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
    )
    op.create_index(
        "ix_ended_file_due",
        "ended_file",
        ["ends_at"],
        postgresql_where=sa.text("removed_at IS NULL"),
    )
    for table in ("upload", "roster"):
        op.add_column(
            table, sa.Column("is_large", sa.Boolean(), nullable=False, server_default="true")
        )
        op.alter_column(table, "is_large", server_default=None)
        op.add_column(table, sa.Column("begun_at", sa.DateTime(timezone=True), nullable=True))
    for table, whose in (("upload", "supplier_id"), ("roster", "union_id")):
        op.create_index(f"ix_{table}_begun_at", table, [whose, "begun_at"])


def downgrade() -> None:
    for table in ("upload", "roster"):
        op.drop_index(f"ix_{table}_begun_at", table)
        op.drop_column(table, "begun_at")
        op.drop_column(table, "is_large")
    op.drop_table("ended_file")
