"""Product sheets: uploads, what each would do, and their images."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "upload",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("supplier_id", sa.Uuid(), nullable=False),
        sa.Column("file_key", sa.Text(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("total_rows", sa.BigInteger(), nullable=False),
        sa.Column("done_rows", sa.BigInteger(), nullable=False),
        sa.Column("is_submitted", sa.Boolean(), nullable=False),
        sa.Column("skips_wrong", sa.Boolean(), nullable=False),
        sa.Column("problem", postgresql.JSONB(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('waiting','checking','checked','applying','applied','failed')",
            name="ck_upload_state_known",
        ),
        sa.ForeignKeyConstraint(["supplier_id"], ["supplier.id"], name="fk_upload_supplier_id"),
        sa.PrimaryKeyConstraint("id", name="pk_upload"),
    )
    op.create_index(
        "ix_upload_open",
        "upload",
        ["due_at"],
        unique=False,
        postgresql_where=sa.text("state IN ('waiting','checking','applying')"),
    )
    op.create_index("ix_upload_supplier_id", "upload", ["supplier_id", "id"], unique=False)
    op.create_table(
        "upload_archive",
        sa.Column("upload_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("file_key", sa.Text(), nullable=False),
        sa.Column("is_unpacked", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["upload_id"], ["upload.id"], name="fk_upload_archive_upload_id"),
        sa.PrimaryKeyConstraint("upload_id", "id", name="pk_upload_archive"),
    )
    op.create_table(
        "upload_image",
        sa.Column("upload_id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("sku_code", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["upload_id"], ["upload.id"], name="fk_upload_image_upload_id"),
        sa.PrimaryKeyConstraint("upload_id", "source", name="pk_upload_image"),
    )
    op.create_table(
        "upload_item",
        sa.Column("upload_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("product_code", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("row_count", sa.BigInteger(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=True),
        sa.Column("content", postgresql.JSONB(), nullable=True),
        sa.Column("stock", postgresql.JSONB(), nullable=False),
        sa.Column("changes", postgresql.JSONB(), nullable=False),
        sa.Column("problems", postgresql.JSONB(), nullable=False),
        sa.CheckConstraint(
            "action IN ('create','change','unchanged','wrong')", name="ck_upload_item_action_known"
        ),
        sa.CheckConstraint(
            "state IN ('pending','done','failed')", name="ck_upload_item_state_known"
        ),
        sa.ForeignKeyConstraint(["upload_id"], ["upload.id"], name="fk_upload_item_upload_id"),
        sa.PrimaryKeyConstraint("upload_id", "position", name="pk_upload_item"),
    )
    op.create_index(
        "ix_upload_item_pending",
        "upload_item",
        ["upload_id", "position"],
        unique=False,
        postgresql_where=sa.text("state = 'pending'"),
    )


def downgrade() -> None:
    op.drop_index(
        "ix_upload_item_pending",
        table_name="upload_item",
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.drop_table("upload_item")
    op.drop_table("upload_image")
    op.drop_table("upload_archive")
    op.drop_index("ix_upload_supplier_id", table_name="upload")
    op.drop_index(
        "ix_upload_open",
        table_name="upload",
        postgresql_where=sa.text("state IN ('waiting','checking','applying')"),
    )
    op.drop_table("upload")
