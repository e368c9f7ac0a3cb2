"""Fewer index entries for an order: keys that serve as look-ups, updates that touch no index.

A lot's balance stood in the predicates of two indexes, so that every spending wrote four index
entries; `lapsed_at` says instead which lots the nightly work still has to look at.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

# Table, column that leads the new primary key and had an index of its own.
REKEYED = (
    ("order_line", "order_id"),
    ("order_event", "order_id"),
    ("stock_movement", "sku_id"),
    ("ledger_entry", "transfer_id"),
)


def upgrade() -> None:
    # Undoes a combined write that one of its features does not agree to (docs/adr/0008).
    op.execute(
        """
        CREATE FUNCTION mall_refuse(share text) RETURNS boolean LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION USING ERRCODE = 'MA001', MESSAGE = share;
        END $$
        """
    )
    for table, column in REKEYED:
        op.drop_constraint(f"pk_{table}", table, type_="primary")
        op.create_primary_key(f"pk_{table}", table, [column, "id"])
        op.drop_index(f"ix_{table}_{column}", table)
    op.drop_index("ix_ledger_entry_account", "ledger_entry")
    # A member finds the parts of an order by the order.
    op.drop_index("ix_fulfillment_order_member_id", "fulfillment_order")
    op.drop_index("ix_bean_lot_open", "bean_lot")
    op.drop_index("ix_bean_lot_member_id", "bean_lot")
    op.drop_index("ix_bean_lot_expiry", "bean_lot")
    op.add_column("bean_lot", sa.Column("lapsed_at", sa.DateTime(timezone=True)))
    op.create_index("ix_bean_lot_member_id", "bean_lot", ["member_id", "expires_at"])
    op.create_index(
        "ix_bean_lot_expiry", "bean_lot", ["expires_at"],
        postgresql_where=sa.text("lapsed_at IS NULL"),
    )
    op.execute("ALTER TABLE bean_lot SET (fillfactor = 70)")
    op.drop_index("ix_idempotency_record_expires_at", "idempotency_record")
    op.create_index(
        "ix_idempotency_record_expires_at", "idempotency_record", ["expires_at"],
        postgresql_using="brin",
    )
    op.add_column("region", sa.Column("full_name", sa.Text()))
    op.execute(
        "UPDATE region r SET full_name = concat("
        "(SELECT p.name FROM region c JOIN region p ON p.code = c.parent_code"
        " WHERE c.code = r.parent_code),"
        " (SELECT c.name FROM region c WHERE c.code = r.parent_code), r.name)"
    )
    op.alter_column("region", "full_name", nullable=False)
    op.add_column("region", sa.Column("is_leaf", sa.Boolean()))
    # Three cities without counties were kept as counties of themselves; loading them again heals it.
    op.execute("UPDATE region SET parent_code = left(code, 2) || '0000', level = 2"
               " WHERE parent_code = code")
    op.execute("UPDATE region r SET is_leaf = NOT EXISTS"
               " (SELECT 1 FROM region b WHERE b.parent_code = r.code)")
    op.alter_column("region", "is_leaf", nullable=False)


def downgrade() -> None:
    op.execute("DROP FUNCTION mall_refuse(text)")
    op.drop_column("region", "is_leaf")
    op.drop_column("region", "full_name")
    op.drop_index("ix_idempotency_record_expires_at", "idempotency_record")
    op.create_index("ix_idempotency_record_expires_at", "idempotency_record", ["expires_at"])
    op.execute("ALTER TABLE bean_lot RESET (fillfactor)")
    op.drop_index("ix_bean_lot_expiry", "bean_lot")
    op.drop_index("ix_bean_lot_member_id", "bean_lot")
    op.drop_column("bean_lot", "lapsed_at")
    held = sa.text("balance_fen > 0")
    op.create_index("ix_bean_lot_expiry", "bean_lot", ["expires_at"], postgresql_where=held)
    op.create_index("ix_bean_lot_member_id", "bean_lot", ["member_id", "id"])
    op.create_index("ix_bean_lot_open", "bean_lot", ["member_id"], postgresql_where=held)
    op.create_index("ix_fulfillment_order_member_id", "fulfillment_order", ["member_id", "id"])
    op.create_index("ix_ledger_entry_account", "ledger_entry", ["account"])
    for table, column in REKEYED:
        op.create_index(f"ix_{table}_{column}", table, [column])
        op.drop_constraint(f"pk_{table}", table, type_="primary")
        op.create_primary_key(f"pk_{table}", table, ["id"])
