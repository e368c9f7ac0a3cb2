"""What suppliers earn, and the statements that settle it; what was delivered before is collected."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"

# Worked off like any other message: items are unique by what they came from.
_DELIVERED = """
    INSERT INTO outbox_delivery (id, topic, payload, handler, queue, state, attempts, created_at,
                                 due_at)
    SELECT gen_random_uuid(), 'PartDelivered',
           jsonb_build_object('order_id', f.order_id, 'fulfillment_order_id', f.id),
           'fulfillment.settlement.service.settlements.collect', 'bulk', 'pending', 0, now(), now()
    FROM fulfillment_order f WHERE f.state = 'delivered' AND f.case_id IS NULL
"""


def upgrade() -> None:
    _create_statement()
    _create_item()
    op.execute(_DELIVERED)


def _create_statement() -> None:
    amounts = ("sales_fen", "freight_fen", "refunds_fen", "adjustments_fen", "commission_fen")
    op.create_table(
        "settlement_statement",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("supplier_id", sa.Uuid(), nullable=False),
        *(sa.Column(name, sa.Date(), nullable=False) for name in ("begins_on", "ends_on")),
        sa.Column("state", sa.Text(), nullable=False),
        *(
            sa.Column(name, sa.BigInteger(), nullable=False)
            for name in ("item_count", *amounts, "net_fen")
        ),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_by", sa.Text(), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paid_by", sa.Text(), nullable=True),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("bank_reference", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "state IN ('draft','confirmed','disputed','withdrawn','paid')",
            name=op.f("ck_settlement_statement_state_known"),
        ),
        sa.CheckConstraint(
            "net_fen = sales_fen + freight_fen + refunds_fen + adjustments_fen - commission_fen",
            name=op.f("ck_settlement_statement_adds_up"),
        ),
        sa.CheckConstraint(
            "(state = 'paid') = (bank_reference IS NOT NULL)",
            name=op.f("ck_settlement_statement_paid_by"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_settlement_statement")),
        sa.UniqueConstraint("number", name=op.f("uq_settlement_statement_number")),
        sa.UniqueConstraint("bank_reference", name=op.f("uq_settlement_statement_bank_reference")),
    )
    op.create_index(
        op.f("uq_settlement_statement_open"),
        "settlement_statement",
        ["supplier_id"],
        unique=True,
        postgresql_where=sa.text("state IN ('draft','disputed')"),
    )
    op.create_index(
        op.f("ix_settlement_statement_supplier_id"), "settlement_statement", ["supplier_id", "id"]
    )


def _create_item() -> None:
    op.create_table(
        "settlement_item",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("supplier_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        *(sa.Column(name, sa.Uuid(), nullable=True) for name in ("order_id", "order_line_id")),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("order_no", "title")),
        *(
            sa.Column(name, sa.BigInteger(), nullable=False)
            for name in ("quantity", "amount_fen", "commission_bps", "commission_fen", "net_fen")
        ),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("statement_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "kind IN ('sale','refund','freight','freight_refund','adjustment')",
            name=op.f("ck_settlement_item_kind_known"),
        ),
        sa.CheckConstraint(
            "net_fen = amount_fen - commission_fen", name=op.f("ck_settlement_item_adds_up")
        ),
        sa.ForeignKeyConstraint(
            ["statement_id"],
            ["settlement_statement.id"],
            name=op.f("fk_settlement_item_statement_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_settlement_item")),
        sa.UniqueConstraint("reference", name=op.f("uq_settlement_item_reference")),
    )
    op.create_index(
        op.f("ix_settlement_item_open"),
        "settlement_item",
        ["supplier_id", "happened_at"],
        postgresql_where=sa.text("statement_id IS NULL"),
    )
    op.create_index(
        op.f("ix_settlement_item_statement_id"), "settlement_item", ["statement_id", "id"]
    )
    op.create_index(op.f("ix_settlement_item_order_id"), "settlement_item", ["order_id"])


def downgrade() -> None:
    op.execute(
        "DELETE FROM outbox_delivery WHERE topic IN ('PartDelivered', 'LineReimbursed')"
        " AND state <> 'done'"
    )
    op.drop_table("settlement_item")
    op.drop_table("settlement_statement")
