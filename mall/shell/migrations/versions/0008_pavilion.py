"""Sections, selections, unions and their consumption assistance."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_table(
        "assistance_target",
        sa.Column("union_id", sa.Uuid(), nullable=False),
        sa.Column("year", sa.BigInteger(), nullable=False),
        sa.Column("target_fen", sa.BigInteger(), nullable=False),
        sa.Column("budget_fen", sa.BigInteger(), nullable=True),
        sa.Column("share_bps", sa.BigInteger(), nullable=True),
        sa.Column("counts_members", sa.Boolean(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("share_bps BETWEEN 0 AND 10000", name="ck_assistance_target_share_sane"),
        sa.CheckConstraint(
            "target_fen >= 0 AND budget_fen >= 0", name="ck_assistance_target_amounts_not_negative"
        ),
        sa.CheckConstraint("year BETWEEN 2020 AND 2100", name="ck_assistance_target_year_sane"),
        sa.PrimaryKeyConstraint("union_id", "year", name="pk_assistance_target"),
    )
    op.create_table(
        "selection",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("scope_id", sa.Uuid(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_selection"),
        sa.UniqueConstraint(
            "scope_id",
            "name",
            name="uq_selection_scope_id_name",
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_table(
        "storefront_section",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("cover_url", sa.Text(), nullable=True),
        sa.Column("rule", postgresql.JSONB(), nullable=False),
        sa.Column("sort", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("is_published", sa.Boolean(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind IN ('pavilion','category','seasonal')", name="ck_storefront_section_kind_known"
        ),
        sa.CheckConstraint("ends_at > starts_at", name="ck_storefront_section_times_in_order"),
        sa.PrimaryKeyConstraint("id", name="pk_storefront_section"),
        sa.UniqueConstraint("title", name="uq_storefront_section_title"),
    )
    op.create_table(
        "trade_union",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["parent_id"], ["trade_union.id"], name="fk_trade_union_parent_id"),
        sa.PrimaryKeyConstraint("id", name="pk_trade_union"),
        sa.UniqueConstraint("code", name="uq_trade_union_code"),
    )
    op.create_index("ix_trade_union_parent_id", "trade_union", ["parent_id"], unique=False)
    op.create_table(
        "selection_version",
        sa.Column("selection_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("items", postgresql.JSONB(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["selection_id"], ["selection.id"], name="fk_selection_version_selection_id"
        ),
        sa.PrimaryKeyConstraint("selection_id", "number", name="pk_selection_version"),
    )
    op.create_table(
        "union_membership",
        sa.Column("union_id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("joined_on", sa.Date(), nullable=False),
        sa.Column("left_on", sa.Date(), nullable=True),
        sa.CheckConstraint("left_on > joined_on", name="ck_union_membership_days_in_order"),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name="fk_union_membership_member_id"),
        sa.ForeignKeyConstraint(
            ["union_id"], ["trade_union.id"], name="fk_union_membership_union_id"
        ),
        sa.PrimaryKeyConstraint("union_id", "member_id", name="pk_union_membership"),
    )
    op.create_index(
        "ix_union_membership_member_id", "union_membership", ["member_id"], unique=False
    )
    op.create_table(
        "section_pick",
        sa.Column("section_id", sa.Uuid(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["product_id"], ["product.id"], name="fk_section_pick_product_id"),
        sa.ForeignKeyConstraint(
            ["section_id"], ["storefront_section.id"], name="fk_section_pick_section_id"
        ),
        sa.PrimaryKeyConstraint("section_id", "product_id", name="pk_section_pick"),
    )
    op.create_index(
        "ix_order_line_assistance",
        "order_line",
        ["order_id"],
        unique=False,
        postgresql_where=sa.text("assistance_id IS NOT NULL"),
    )
    op.add_column("shop_order", sa.Column("union_id", sa.Uuid(), nullable=True))
    op.create_index("ix_shop_order_union_id", "shop_order", ["union_id", "paid_at"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_shop_order_union_id", table_name="shop_order")
    op.drop_column("shop_order", "union_id")
    op.drop_index(
        "ix_order_line_assistance",
        table_name="order_line",
        postgresql_where=sa.text("assistance_id IS NOT NULL"),
    )
    op.drop_table("section_pick")
    op.drop_index("ix_union_membership_member_id", table_name="union_membership")
    op.drop_table("union_membership")
    op.drop_table("selection_version")
    op.drop_index("ix_trade_union_parent_id", table_name="trade_union")
    op.drop_table("trade_union")
    op.drop_table("storefront_section")
    op.drop_table("selection")
    op.drop_table("assistance_target")
