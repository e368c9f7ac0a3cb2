"""What is stored for whom; documents that are kept already count, whose sizes are known."""

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0039"


def upgrade() -> None:
    op.create_table(
        "stored_file",
        sa.Column("key", sa.Text(), primary_key=True),
        sa.Column("owner_kind", sa.Text(), primary_key=True),
        sa.Column("owner_id", sa.Uuid(), primary_key=True),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "created_at BETWEEN '1970-01-01 00:00:00+00' AND '2102-01-01 00:00:00+00'",
            name=op.f("ck_stored_file_created_at_in_time"),
        ),
    )
    op.create_table(
        "storage_use",
        sa.Column("owner_kind", sa.Text(), primary_key=True),
        sa.Column("owner_id", sa.Uuid(), primary_key=True),
        sa.Column("files", sa.BigInteger(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
    )
    op.execute(
        "INSERT INTO stored_file (key, owner_kind, owner_id, size_bytes, created_at)"
        " SELECT DISTINCT ON (file_key) file_key, 'supplier', supplier_id, size_bytes, created_at"
        " FROM supplier_document d WHERE NOT EXISTS ("
        " SELECT FROM ended_file e WHERE e.key = d.file_key AND e.removed_at IS NOT NULL)"
    )
    op.execute(
        "INSERT INTO storage_use (owner_kind, owner_id, files, bytes)"
        " SELECT owner_kind, owner_id, count(*), sum(size_bytes) FROM stored_file GROUP BY 1, 2"
    )


def downgrade() -> None:
    op.drop_table("storage_use")
    op.drop_table("stored_file")
