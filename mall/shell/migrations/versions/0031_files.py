"""Files that are not in force end; sheets are small or large, and suppliers take turns."""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"


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
    op.create_table(
        "supplier_application",
        sa.Column("supplier_id", sa.Uuid(), sa.ForeignKey("supplier.id"), primary_key=True),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    )
    table = "supplier_application"
    op.create_index(f"ix_{table}_source", table, ["source", "created_at"])
    op.create_index(f"ix_{table}_phone", table, ["phone"])
    op.create_index(f"ix_{table}_name", table, ["name"])
    _show_own_images_only()
    for table in ("upload", "roster"):
        op.add_column(
            table, sa.Column("is_large", sa.Boolean(), nullable=False, server_default="true")
        )
        op.alter_column(table, "is_large", server_default=None)
        op.add_column(table, sa.Column("begun_at", sa.DateTime(timezone=True), nullable=True))
    for table, whose in (("upload", "supplier_id"), ("roster", "union_id")):
        op.create_index(f"ix_{table}_begun_at", table, [whose, "begun_at"])


def _show_own_images_only() -> None:
    """Take addresses of other hosts out: members' browsers ask nobody else."""
    listed = "jsonb_array_elements_text({column}) WITH ORDINALITY AS t (url, place)"
    own = "COALESCE((SELECT jsonb_agg(url ORDER BY place) FROM " + listed
    own += " WHERE url LIKE '/media/%'), '[]')"
    foreign = "EXISTS (SELECT 1 FROM " + listed + " WHERE url NOT LIKE '/media/%')"
    kept, odd = (each.format(column="image_urls") for each in (own, foreign))
    op.execute(f"UPDATE product SET image_urls = {kept} WHERE {odd}")
    for table in ("product_revision", "upload_item"):
        kept, odd = (each.format(column="content->'image_urls'") for each in (own, foreign))
        op.execute(
            f"UPDATE {table} SET content = jsonb_set(content, '{{image_urls}}', {kept})"
            " WHERE CASE WHEN jsonb_typeof(content->'image_urls') = 'array'"
            f" THEN {odd} ELSE false END"
        )
    for table, column in (
        ("order_line", "image_url"),
        ("pack", "image_url"),
        ("supplier", "cover_url"),
        ("storefront_section", "cover_url"),
    ):
        op.execute(f"UPDATE {table} SET {column} = NULL WHERE {column} NOT LIKE '/media/%'")


def downgrade() -> None:
    for table in ("upload", "roster"):
        op.drop_index(f"ix_{table}_begun_at", table)
        op.drop_column(table, "begun_at")
        op.drop_column(table, "is_large")
    op.drop_table("supplier_application")
    op.drop_table("ended_file")
