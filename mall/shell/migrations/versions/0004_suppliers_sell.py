"""Suppliers apply and show documents; products are reviewed; prices have a history."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "notice",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("audience", sa.Text(), nullable=False),
        sa.Column("scope_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("text_zh", sa.Text(), nullable=False),
        sa.Column("text_en", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_notice"),
        sa.UniqueConstraint(
            "audience",
            "scope_id",
            "reference",
            name="uq_notice_audience_scope_id_reference",
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_index("ix_notice_audience", "notice", ["audience", "scope_id", "id"], unique=False)
    op.create_table(
        "supplier_document",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("supplier_id", sa.Uuid(), nullable=False),
        sa.Column("file_key", sa.Text(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["supplier_id"], ["supplier.id"], name="fk_supplier_document_supplier_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_supplier_document"),
    )
    op.create_index(
        "ix_supplier_document_supplier_id", "supplier_document", ["supplier_id"], unique=False
    )
    op.create_table(
        "supplier_qualification",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("supplier_id", sa.Uuid(), nullable=False),
        sa.Column("document_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column("region_code", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reasons", postgresql.JSONB(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reviewed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reviewer_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "kind IN ('business_licence','food_licence','assistance')",
            name="ck_supplier_qualification_kind",
        ),
        sa.CheckConstraint(
            "state IN ('in_review','approved','rejected')",
            name="ck_supplier_qualification_state_known",
        ),
        sa.CheckConstraint(
            "valid_until >= valid_from", name="ck_supplier_qualification_days_in_order"
        ),
        sa.ForeignKeyConstraint(
            ["document_id"], ["supplier_document.id"], name="fk_supplier_qualification_document_id"
        ),
        sa.ForeignKeyConstraint(
            ["supplier_id"], ["supplier.id"], name="fk_supplier_qualification_supplier_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_supplier_qualification"),
    )
    op.create_index(
        "ix_supplier_qualification_ending",
        "supplier_qualification",
        ["valid_until"],
        unique=False,
        postgresql_where=sa.text("state = 'approved'"),
    )
    op.create_index(
        "ix_supplier_qualification_supplier_id",
        "supplier_qualification",
        ["supplier_id", "kind"],
        unique=False,
    )
    op.create_table(
        "product_revision",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("content", postgresql.JSONB(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reasons", postgresql.JSONB(), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reviewed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reviewer_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "state IN ('in_review','approved','rejected','withdrawn')",
            name="ck_product_revision_state_known",
        ),
        sa.ForeignKeyConstraint(
            ["product_id"], ["product.id"], name="fk_product_revision_product_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_product_revision"),
        sa.UniqueConstraint("product_id", "number", name="uq_product_revision_product_id_number"),
    )
    op.create_index(
        "ix_product_revision_open",
        "product_revision",
        ["product_id"],
        unique=True,
        postgresql_where=sa.text("state = 'in_review'"),
    )
    op.create_index(
        "ix_product_revision_queue",
        "product_revision",
        ["id"],
        unique=False,
        postgresql_where=sa.text("state = 'in_review'"),
    )
    op.create_table(
        "price_change",
        sa.Column("sku_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("list_price_fen", sa.BigInteger(), nullable=False),
        sa.Column("price_fen", sa.BigInteger(), nullable=False),
        sa.Column("purchase_price_fen", sa.BigInteger(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["sku_id"], ["sku.id"], name="fk_price_change_sku_id"),
        sa.PrimaryKeyConstraint("sku_id", "id", name="pk_price_change"),
    )
    op.add_column(
        "category",
        sa.Column("needs_food_licence", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.add_column("product", sa.Column("publish_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("product", sa.Column("unpublish_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("product", sa.Column("origin_region_code", sa.Text(), nullable=True))
    op.add_column(
        "product", sa.Column("is_pavilion", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.add_column(
        "product", sa.Column("tags", postgresql.JSONB(), nullable=False, server_default="[]")
    )
    op.add_column("product", sa.Column("withheld_for", sa.Text(), nullable=True))
    op.create_index(
        "ix_product_scheduled",
        "product",
        ["id"],
        unique=False,
        postgresql_where=sa.text("publish_at IS NOT NULL OR unpublish_at IS NOT NULL"),
    )
    op.add_column("sku", sa.Column("supplier_id", sa.Uuid(), nullable=True))
    op.execute(
        "UPDATE sku k SET supplier_id = p.supplier_id FROM product p WHERE p.id = k.product_id"
    )
    op.alter_column("sku", "supplier_id", nullable=False)
    # Codes were unique within a product; where a supplier used one twice, the later gets a mark.
    op.execute(
        "UPDATE sku k SET code = left(k.code, 51) || '-' || right(k.id::text, 12)"
        " FROM (SELECT id, row_number() OVER (PARTITION BY supplier_id, code ORDER BY id) AS n"
        "       FROM sku) d WHERE d.id = k.id AND d.n > 1"
    )
    op.add_column("sku", sa.Column("barcode", sa.Text(), nullable=True))
    op.add_column("sku", sa.Column("purchase_price_fen", sa.BigInteger(), nullable=True))
    op.add_column("sku", sa.Column("member_limit", sa.BigInteger(), nullable=True))
    op.add_column("sku", sa.Column("member_limit_days", sa.BigInteger(), nullable=True))
    op.add_column(
        "sku", sa.Column("low_stock_at", sa.BigInteger(), nullable=False, server_default="0")
    )
    op.drop_constraint("uq_sku_product_id_code", "sku", type_="unique")
    op.create_index("ix_sku_product_id", "sku", ["product_id"], unique=False)
    op.create_unique_constraint("uq_sku_supplier_id_code", "sku", ["supplier_id", "code"])
    op.create_foreign_key("fk_sku_supplier_id", "sku", "supplier", ["supplier_id"], ["id"])
    op.add_column(
        "supplier", sa.Column("contact_name", sa.Text(), nullable=False, server_default="")
    )
    op.add_column(
        "supplier", sa.Column("contact_phone", sa.Text(), nullable=False, server_default="")
    )
    op.add_column(
        "supplier", sa.Column("contact_email", sa.Text(), nullable=False, server_default="")
    )
    op.add_column("supplier", sa.Column("settlement_account", postgresql.JSONB(), nullable=True))
    op.add_column(
        "supplier", sa.Column("commission_bps", sa.BigInteger(), nullable=False, server_default="0")
    )
    op.add_column("supplier", sa.Column("origin_region_code", sa.Text(), nullable=True))
    op.add_column("supplier", sa.Column("story", sa.Text(), nullable=False, server_default=""))
    op.add_column("supplier", sa.Column("cover_url", sa.Text(), nullable=True))
    op.add_column("supplier", sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "supplier",
        sa.Column("review_reasons", postgresql.JSONB(), nullable=False, server_default="[]"),
    )

    op.drop_constraint(op.f("ck_supplier_state_known"), "supplier")
    op.create_check_constraint(
        op.f("ck_supplier_state_known"),
        "supplier",
        "state IN ('applied','active','suspended','closed')",
    )
    op.create_check_constraint(
        op.f("ck_supplier_commission_sane"), "supplier", "commission_bps BETWEEN 0 AND 10000"
    )
    op.drop_constraint(op.f("ck_product_state_known"), "product")
    op.create_check_constraint(
        op.f("ck_product_state_known"),
        "product",
        "state IN ('draft','in_review','rejected','approved','published','unpublished')",
    )
    op.create_check_constraint(
        op.f("ck_sku_member_limit_whole"),
        "sku",
        "(member_limit IS NULL) = (member_limit_days IS NULL)",
    )
    # The prices of today begin the history.
    op.execute(
        "INSERT INTO price_change (sku_id, id, list_price_fen, price_fen, changed_at)"
        " SELECT id, id, list_price_fen, price_fen, now() FROM sku"
    )


def downgrade() -> None:
    op.drop_constraint(op.f("ck_sku_member_limit_whole"), "sku")
    op.execute(
        "UPDATE product SET state = 'draft' WHERE state IN ('in_review','rejected','approved')"
    )
    op.drop_constraint(op.f("ck_product_state_known"), "product")
    op.create_check_constraint(
        op.f("ck_product_state_known"), "product", "state IN ('draft','published','unpublished')"
    )
    op.drop_constraint(op.f("ck_supplier_commission_sane"), "supplier")
    op.execute("UPDATE supplier SET state = 'closed' WHERE state = 'applied'")
    op.drop_constraint(op.f("ck_supplier_state_known"), "supplier")
    op.create_check_constraint(
        op.f("ck_supplier_state_known"), "supplier", "state IN ('active','suspended','closed')"
    )
    op.drop_column("supplier", "review_reasons")
    op.drop_column("supplier", "submitted_at")
    op.drop_column("supplier", "cover_url")
    op.drop_column("supplier", "story")
    op.drop_column("supplier", "origin_region_code")
    op.drop_column("supplier", "commission_bps")
    op.drop_column("supplier", "settlement_account")
    op.drop_column("supplier", "contact_email")
    op.drop_column("supplier", "contact_phone")
    op.drop_column("supplier", "contact_name")
    op.drop_constraint("fk_sku_supplier_id", "sku", type_="foreignkey")
    op.drop_constraint("uq_sku_supplier_id_code", "sku", type_="unique")
    op.drop_index("ix_sku_product_id", table_name="sku")
    op.create_unique_constraint(
        "uq_sku_product_id_code", "sku", ["product_id", "code"], postgresql_nulls_not_distinct=False
    )
    op.drop_column("sku", "low_stock_at")
    op.drop_column("sku", "member_limit_days")
    op.drop_column("sku", "member_limit")
    op.drop_column("sku", "purchase_price_fen")
    op.drop_column("sku", "barcode")
    op.drop_column("sku", "supplier_id")
    op.drop_index(
        "ix_product_scheduled",
        table_name="product",
        postgresql_where=sa.text("publish_at IS NOT NULL OR unpublish_at IS NOT NULL"),
    )
    op.drop_column("product", "withheld_for")
    op.drop_column("product", "tags")
    op.drop_column("product", "is_pavilion")
    op.drop_column("product", "origin_region_code")
    op.drop_column("product", "unpublish_at")
    op.drop_column("product", "publish_at")
    op.drop_column("category", "needs_food_licence")
    op.drop_table("price_change")
    op.drop_index(
        "ix_product_revision_queue",
        table_name="product_revision",
        postgresql_where=sa.text("state = 'in_review'"),
    )
    op.drop_index(
        "ix_product_revision_open",
        table_name="product_revision",
        postgresql_where=sa.text("state = 'in_review'"),
    )
    op.drop_table("product_revision")
    op.drop_index("ix_supplier_qualification_supplier_id", table_name="supplier_qualification")
    op.drop_index(
        "ix_supplier_qualification_ending",
        table_name="supplier_qualification",
        postgresql_where=sa.text("state = 'approved'"),
    )
    op.drop_table("supplier_qualification")
    op.drop_index("ix_supplier_document_supplier_id", table_name="supplier_document")
    op.drop_table("supplier_document")
    op.drop_index("ix_notice_audience", table_name="notice")
    op.drop_table("notice")
