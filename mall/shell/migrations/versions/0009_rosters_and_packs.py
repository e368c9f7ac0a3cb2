"""Rosters, packs, duties of officers, messages to members."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_table(
        "pack",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("scope_id", sa.Uuid(), nullable=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("brief", sa.Text(), nullable=False),
        sa.Column("image_url", sa.Text(), nullable=True),
        sa.Column("parts", postgresql.JSONB(), nullable=False),
        sa.Column("price_fen", sa.BigInteger(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("price_fen > 0", name="ck_pack_price_positive"),
        sa.PrimaryKeyConstraint("id", name="pk_pack"),
        sa.UniqueConstraint(
            "scope_id", "title", name="uq_pack_scope_id_title", postgresql_nulls_not_distinct=True
        ),
    )
    op.create_table(
        "wechat_message",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("data", postgresql.JSONB(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state IN ('pending','sent','refused','failed')", name="ck_wechat_message_state_known"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_wechat_message"),
    )
    op.create_index(
        "ix_wechat_message_due",
        "wechat_message",
        ["due_at"],
        unique=False,
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_table(
        "wrong_try",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("tried_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_wrong_try"),
    )
    op.create_index(
        "ix_wrong_try_subject_id", "wrong_try", ["subject_id", "purpose", "tried_at"], unique=False
    )
    op.create_table(
        "roster",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("union_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("file_key", sa.Text(), nullable=True),
        sa.Column("file_name", sa.Text(), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("total_rows", sa.BigInteger(), nullable=False),
        sa.Column("wrong_rows", sa.BigInteger(), nullable=False),
        sa.Column("entry_count", sa.BigInteger(), nullable=False),
        sa.Column("changes", postgresql.JSONB(), nullable=True),
        sa.Column("problem", postgresql.JSONB(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('empty','waiting','checking','checked','applying','ready','failed')",
            name="ck_roster_state_known",
        ),
        sa.ForeignKeyConstraint(["union_id"], ["trade_union.id"], name="fk_roster_union_id"),
        sa.PrimaryKeyConstraint("id", name="pk_roster"),
        sa.UniqueConstraint("union_id", "name", name="uq_roster_union_id_name"),
    )
    op.create_index(
        "ix_roster_due",
        "roster",
        ["due_at"],
        unique=False,
        postgresql_where=sa.text("state IN ('waiting','checking','applying')"),
    )
    op.create_table(
        "roster_entry",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("roster_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("employee_no", sa.Text(), nullable=True),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("born_on", sa.Date(), nullable=True),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=True),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "phone IS NOT NULL OR employee_no IS NOT NULL", name="ck_roster_entry_can_be_claimed"
        ),
        sa.ForeignKeyConstraint(["roster_id"], ["roster.id"], name="fk_roster_entry_roster_id"),
        sa.PrimaryKeyConstraint("id", name="pk_roster_entry"),
        sa.UniqueConstraint("roster_id", "member_id", name="uq_roster_entry_roster_id_member_id"),
        sa.UniqueConstraint("roster_id", "phone", name="uq_roster_entry_roster_id_phone"),
    )
    op.create_index(
        "ix_roster_entry_employee_no", "roster_entry", ["roster_id", "employee_no"], unique=False
    )
    op.create_index(
        "ix_roster_entry_position", "roster_entry", ["roster_id", "position"], unique=False
    )
    op.create_index(
        "ix_roster_entry_unclaimed",
        "roster_entry",
        ["phone"],
        unique=False,
        postgresql_where=sa.text("member_id IS NULL"),
    )
    op.create_table(
        "roster_row",
        sa.Column("roster_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("employee_no", sa.Text(), nullable=True),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("born_on", sa.Date(), nullable=True),
        sa.Column("problems", postgresql.JSONB(), nullable=False),
        sa.Column("warnings", postgresql.JSONB(), nullable=False),
        sa.ForeignKeyConstraint(["roster_id"], ["roster.id"], name="fk_roster_row_roster_id"),
        sa.PrimaryKeyConstraint("roster_id", "number", name="pk_roster_row"),
    )
    op.add_column(
        "staff_account",
        sa.Column("duties", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
    )
    op.add_column(
        "trade_union",
        sa.Column("claims_by_employee", sa.Boolean(), nullable=False, server_default=sa.false()),
    )


def downgrade() -> None:
    op.drop_column("trade_union", "claims_by_employee")
    op.drop_column("staff_account", "duties")
    op.drop_table("roster_row")
    op.drop_index(
        "ix_roster_entry_unclaimed",
        table_name="roster_entry",
        postgresql_where=sa.text("member_id IS NULL"),
    )
    op.drop_index("ix_roster_entry_position", table_name="roster_entry")
    op.drop_index("ix_roster_entry_employee_no", table_name="roster_entry")
    op.drop_table("roster_entry")
    op.drop_index(
        "ix_roster_due",
        table_name="roster",
        postgresql_where=sa.text("state IN ('waiting','checking','applying')"),
    )
    op.drop_table("roster")
    op.drop_index("ix_wrong_try_subject_id", table_name="wrong_try")
    op.drop_table("wrong_try")
    op.drop_index(
        "ix_wechat_message_due",
        table_name="wechat_message",
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.drop_table("wechat_message")
    op.drop_table("pack")
