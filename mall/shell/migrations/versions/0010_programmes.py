"""Programmes of unions: funds, rights, changes, history."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.create_table(
        "entitlement",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("programme_id", sa.Uuid(), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("employee_no", sa.Text(), nullable=True),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=True),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("lot_id", sa.Uuid(), nullable=True),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("pack_id", sa.Uuid(), nullable=True),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("redeemed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reminded_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(state = 'listed') <= (lot_id IS NULL)", name="ck_entitlement_listed_without_lot"
        ),
        sa.CheckConstraint(
            "state <> 'redeemed' OR order_id IS NOT NULL", name="ck_entitlement_redeemed_by_order"
        ),
        sa.CheckConstraint(
            "state IN ('listed','waiting','open','redeemed','ended','withdrawn')",
            name="ck_entitlement_state_known",
        ),
        sa.CheckConstraint("amount_fen > 0", name="ck_entitlement_amount_positive"),
        sa.PrimaryKeyConstraint("id", name="pk_entitlement"),
        sa.UniqueConstraint("code", name="uq_entitlement_code"),
        sa.UniqueConstraint(
            "programme_id", "entry_id", name="uq_entitlement_programme_id_entry_id"
        ),
    )
    op.create_index("ix_entitlement_entry_id", "entitlement", ["entry_id"], unique=False)
    op.create_index(
        "ix_entitlement_listed",
        "entitlement",
        ["programme_id", "due_on", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'listed'"),
    )
    op.create_index(
        "ix_entitlement_member_id",
        "entitlement",
        ["member_id", "id"],
        unique=False,
        postgresql_where=sa.text("member_id IS NOT NULL"),
    )
    op.create_index(
        "ix_entitlement_order_id",
        "entitlement",
        ["order_id"],
        unique=False,
        postgresql_where=sa.text("order_id IS NOT NULL"),
    )
    op.create_index(
        "ix_entitlement_position", "entitlement", ["programme_id", "position"], unique=False
    )
    op.create_table(
        "funding",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("programme_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("bank_reference", sa.Text(), nullable=False),
        sa.Column("payer", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind IN ('transfer','payout')", name="ck_funding_kind_known"),
        sa.CheckConstraint(
            "state IN ('recorded','confirmed','rejected')", name="ck_funding_state_known"
        ),
        sa.CheckConstraint("amount_fen > 0", name="ck_funding_amount_positive"),
        sa.PrimaryKeyConstraint("id", name="pk_funding"),
    )
    op.create_index("ix_funding_programme_id", "funding", ["programme_id", "id"], unique=False)
    op.create_index(
        "uq_funding_reference",
        "funding",
        ["bank_reference"],
        unique=True,
        postgresql_where=sa.text("state <> 'rejected'"),
    )
    op.create_table(
        "ledger_fund",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("balance_fen", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("balance_fen >= 0", name="ck_ledger_fund_balance_not_negative"),
        sa.PrimaryKeyConstraint("id", name="pk_ledger_fund"),
    )
    op.create_table(
        "programme",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("union_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("roster_id", sa.Uuid(), nullable=False),
        sa.Column("per_member_fen", sa.BigInteger(), nullable=False),
        sa.Column("pack_ids", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("default_pack_id", sa.Uuid(), nullable=True),
        sa.Column("selection_id", sa.Uuid(), nullable=True),
        sa.Column("selection_version", sa.BigInteger(), nullable=True),
        sa.Column("max_items", sa.BigInteger(), nullable=True),
        sa.Column("opens_on", sa.Date(), nullable=False),
        sa.Column("closes_on", sa.Date(), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=False),
        sa.Column("delivery", sa.Text(), nullable=False),
        sa.Column("unit_address", postgresql.JSONB(), nullable=True),
        sa.Column("leftover", sa.Text(), nullable=False),
        sa.Column("allows_top_up", sa.Boolean(), nullable=False),
        sa.Column("allows_codes", sa.Boolean(), nullable=False),
        sa.Column("birthday", sa.Text(), nullable=False),
        sa.Column("festival", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("authors", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("head_count", sa.BigInteger(), nullable=False),
        sa.Column("budget_fen", sa.BigInteger(), nullable=False),
        sa.Column("content", postgresql.JSONB(), nullable=True),
        sa.Column("content_hash", sa.Text(), nullable=True),
        sa.Column("warnings", postgresql.JSONB(), nullable=False),
        sa.Column("scope_id", sa.Uuid(), nullable=True),
        sa.Column("event_count", sa.BigInteger(), nullable=False),
        sa.Column("last_hash", sa.Text(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("active_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("close_requested_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("skips_default", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('fixed','pick_one','restricted','open','cake')",
            name="ck_programme_kind_known",
        ),
        sa.CheckConstraint(
            "state IN ('draft','submitted','approved','rejected','funded','issuing','active','closed','accepted','archived','withdrawn')",
            name="ck_programme_state_known",
        ),
        sa.CheckConstraint(
            "budget_fen = head_count * per_member_fen", name="ck_programme_budget_adds_up"
        ),
        sa.CheckConstraint("expires_on >= closes_on", name="ck_programme_expires_after"),
        sa.CheckConstraint("opens_on <= closes_on", name="ck_programme_days_in_order"),
        sa.CheckConstraint("per_member_fen > 0", name="ck_programme_amount_positive"),
        sa.PrimaryKeyConstraint("id", name="pk_programme"),
        sa.UniqueConstraint("number", name="uq_programme_number"),
    )
    op.create_index(
        "ix_programme_running",
        "programme",
        ["due_at"],
        unique=False,
        postgresql_where=sa.text("state IN ('issuing','active','closed')"),
    )
    op.create_index("ix_programme_union_id", "programme", ["union_id", "id"], unique=False)
    op.create_table(
        "programme_change",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("programme_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=True),
        sa.Column("entitlement_id", sa.Uuid(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("proposed_by", sa.Uuid(), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(kind = 'add') = (entry_id IS NOT NULL)", name="ck_programme_change_names_whom"
        ),
        sa.CheckConstraint("kind IN ('add','withdraw')", name="ck_programme_change_kind_known"),
        sa.CheckConstraint(
            "state IN ('proposed','applied','rejected')", name="ck_programme_change_state_known"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_programme_change"),
    )
    op.create_index(
        "ix_programme_change_programme_id", "programme_change", ["programme_id", "id"], unique=False
    )
    op.create_table(
        "programme_event",
        sa.Column("programme_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("actor_name", sa.Text(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("previous_hash", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("programme_id", "number", name="pk_programme_event"),
    )
    op.create_table(
        "union_policy",
        sa.Column("union_id", sa.Uuid(), nullable=False),
        sa.Column("annual_member_fen", sa.BigInteger(), nullable=True),
        sa.Column("festivals", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("min_assistance_bps", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("annual_member_fen > 0", name="ck_union_policy_limit_positive"),
        sa.CheckConstraint(
            "min_assistance_bps BETWEEN 0 AND 10000", name="ck_union_policy_share_sane"
        ),
        sa.PrimaryKeyConstraint("union_id", name="pk_union_policy"),
    )
    op.create_table(
        "order_programme",
        sa.Column("programme_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount_fen > 0", name="ck_order_programme_amount_positive"),
        sa.ForeignKeyConstraint(
            ["order_id"], ["shop_order.id"], name="fk_order_programme_order_id"
        ),
        sa.PrimaryKeyConstraint("programme_id", "order_id", name="pk_order_programme"),
    )
    op.create_index("ix_order_programme_order_id", "order_programme", ["order_id"], unique=False)
    op.add_column("bean_lot", sa.Column("programme_id", sa.Uuid(), nullable=True))
    op.add_column(
        "bean_lot",
        sa.Column("is_voucher", sa.Boolean(), server_default=sa.false(), nullable=False),
    )
    op.add_column(
        "bean_lot",
        sa.Column("allows_top_up", sa.Boolean(), server_default=sa.true(), nullable=False),
    )
    op.add_column("bean_lot", sa.Column("leftover_fund_id", sa.Uuid(), nullable=True))
    op.add_column(
        "payment", sa.Column("purpose", sa.Text(), server_default="order", nullable=False)
    )
    op.add_column(
        "shop_order", sa.Column("dispatch_began_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.create_check_constraint(
        op.f("ck_bean_lot_voucher_of_programme"),
        "bean_lot",
        "NOT is_voucher OR programme_id IS NOT NULL",
    )
    op.create_check_constraint(
        op.f("ck_payment_purpose_known"), "payment", "purpose IN ('order','fund')"
    )
    op.drop_constraint(op.f("ck_fulfillment_order_state_known"), "fulfillment_order")
    op.create_check_constraint(
        op.f("ck_fulfillment_order_state_known"),
        "fulfillment_order",
        "state IN ('open','partly_dispatched','dispatched','delivered','cancelled')",
    )
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON programme_event"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )


def downgrade() -> None:
    op.drop_constraint(op.f("ck_fulfillment_order_state_known"), "fulfillment_order")
    op.create_check_constraint(
        op.f("ck_fulfillment_order_state_known"),
        "fulfillment_order",
        "state IN ('open','partly_dispatched','dispatched','delivered')",
    )
    op.drop_constraint(op.f("ck_payment_purpose_known"), "payment")
    op.drop_constraint(op.f("ck_bean_lot_voucher_of_programme"), "bean_lot")
    op.drop_column("shop_order", "dispatch_began_at")
    op.drop_column("payment", "purpose")
    op.drop_column("bean_lot", "leftover_fund_id")
    op.drop_column("bean_lot", "allows_top_up")
    op.drop_column("bean_lot", "is_voucher")
    op.drop_column("bean_lot", "programme_id")
    op.drop_index("ix_order_programme_order_id", table_name="order_programme")
    op.drop_table("order_programme")
    op.drop_table("union_policy")
    op.drop_table("programme_event")
    op.drop_index("ix_programme_change_programme_id", table_name="programme_change")
    op.drop_table("programme_change")
    op.drop_index("ix_programme_union_id", table_name="programme")
    op.drop_index(
        "ix_programme_running",
        table_name="programme",
        postgresql_where=sa.text("state IN ('issuing','active','closed')"),
    )
    op.drop_table("programme")
    op.drop_table("ledger_fund")
    op.drop_index(
        "uq_funding_reference",
        table_name="funding",
        postgresql_where=sa.text("state <> 'rejected'"),
    )
    op.drop_index("ix_funding_programme_id", table_name="funding")
    op.drop_table("funding")
    op.drop_index("ix_entitlement_position", table_name="entitlement")
    op.drop_index(
        "ix_entitlement_order_id",
        table_name="entitlement",
        postgresql_where=sa.text("order_id IS NOT NULL"),
    )
    op.drop_index(
        "ix_entitlement_member_id",
        table_name="entitlement",
        postgresql_where=sa.text("member_id IS NOT NULL"),
    )
    op.drop_index(
        "ix_entitlement_listed",
        table_name="entitlement",
        postgresql_where=sa.text("state = 'listed'"),
    )
    op.drop_index("ix_entitlement_entry_id", table_name="entitlement")
    op.drop_table("entitlement")
