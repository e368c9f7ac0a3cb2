"""Stores, what members choose there, vouchers that end; clerks act for a store."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0022"
down_revision = "0021"

# Clerks acted for a merchant; each such merchant gets one store, open all day, that they act for.
_STORES = """
    INSERT INTO store (id, supplier_id, name, region_code, detail, latitude, longitude, phone,
                       hours, closed_on, lead_hours, slot_minutes, is_active, created_at)
    SELECT gen_random_uuid(), s.id, s.name, '440800', '', 21.2707, 110.3594, '',
           (SELECT jsonb_agg(jsonb_build_object(
                'weekday', day, 'opens', '08:00', 'closes', '20:00'))
            FROM generate_series(1, 7) AS day),
           '[]', 0, 120, true, now()
    FROM supplier s
    WHERE EXISTS (SELECT 1 FROM staff_account a WHERE a.role = 'store_clerk' AND a.scope_id = s.id)
"""
_CLERKS = """
    UPDATE staff_account a SET scope_id = t.id FROM store t
    WHERE a.role = 'store_clerk' AND a.scope_id = t.supplier_id
"""
_BACK = """
    UPDATE staff_account a SET scope_id = t.supplier_id, duties = '{}' FROM store t
    WHERE a.role = 'store_clerk' AND a.scope_id = t.id
"""


def upgrade() -> None:
    _create_store()
    _create_choice()
    op.execute(_STORES)
    op.execute(_CLERKS)
    _change_voucher()


def _create_store() -> None:
    op.create_table(
        "store",
        *(sa.Column(name, sa.Uuid(), nullable=False) for name in ("id", "supplier_id")),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("name", "region_code", "detail")),
        *(sa.Column(name, sa.Double(), nullable=False) for name in ("latitude", "longitude")),
        sa.Column("phone", sa.Text(), nullable=False),
        *(
            sa.Column(name, postgresql.JSONB(), nullable=False)
            for name in ("hours", "closed_on")
        ),
        sa.Column("product_ids", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("daily_capacity", sa.BigInteger(), nullable=True),
        *(
            sa.Column(name, sa.BigInteger(), nullable=False)
            for name in ("lead_hours", "slot_minutes")
        ),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "latitude BETWEEN -90 AND 90 AND longitude BETWEEN -180 AND 180",
            name=op.f("ck_store_on_earth"),
        ),
        sa.CheckConstraint(
            "daily_capacity IS NULL OR daily_capacity > 0", name=op.f("ck_store_capacity_positive")
        ),
        sa.CheckConstraint(
            "lead_hours >= 0 AND slot_minutes > 0", name=op.f("ck_store_times_positive")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_store")),
    )
    op.create_index(op.f("ix_store_supplier_id"), "store", ["supplier_id", "id"])


def _create_choice() -> None:
    op.create_table(
        "pickup_choice",
        *(
            sa.Column(name, sa.Uuid(), nullable=False)
            for name in ("order_id", "supplier_id", "store_id", "member_id")
        ),
        sa.Column("day", sa.Date(), nullable=False),
        *(
            sa.Column(name, sa.DateTime(timezone=True), nullable=False)
            for name in ("slot_starts", "slot_ends")
        ),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.Column("chosen_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "units >= 0 AND slot_ends > slot_starts", name=op.f("ck_pickup_choice_makes_sense")
        ),
        sa.ForeignKeyConstraint(
            ["store_id"], ["store.id"], name=op.f("fk_pickup_choice_store_id")
        ),
        sa.PrimaryKeyConstraint("order_id", "supplier_id", name=op.f("pk_pickup_choice")),
    )
    op.create_index(op.f("ix_pickup_choice_day"), "pickup_choice", ["store_id", "day"])


def _change_voucher() -> None:
    table = "pickup_voucher"
    op.add_column(table, sa.Column("short_hash", sa.Text(), nullable=True))
    op.add_column(table, sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True))
    op.execute(f"UPDATE {table} SET expires_at = greatest(created_at, now()) + interval '180 days'")
    op.alter_column(table, "expires_at", nullable=False)
    op.add_column(table, sa.Column("reminded_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(table, sa.Column("store_id", sa.Uuid(), nullable=True))
    op.add_column(table, sa.Column("request_key", sa.Text(), nullable=True))
    op.add_column(
        table,
        sa.Column("history", postgresql.JSONB(), server_default=sa.text("'[]'"), nullable=False),
    )
    op.create_foreign_key(op.f("fk_pickup_voucher_store_id"), table, "store", ["store_id"], ["id"])
    op.drop_constraint(op.f("ck_pickup_voucher_state_known"), table)
    op.create_check_constraint(
        op.f("ck_pickup_voucher_state_known"),
        table,
        "state IN ('valid','redeemed','revoked','expired')",
    )
    op.create_index(op.f("ix_pickup_voucher_short"), table, ["supplier_id", "short_hash"])
    op.create_index(
        op.f("ix_pickup_voucher_expires_at"),
        table,
        ["expires_at"],
        postgresql_where=sa.text("state = 'valid'"),
    )


def downgrade() -> None:
    table = "pickup_voucher"
    op.execute(f"UPDATE {table} SET state = 'revoked' WHERE state = 'expired'")
    op.drop_index(op.f("ix_pickup_voucher_expires_at"), table)
    op.drop_index(op.f("ix_pickup_voucher_short"), table)
    op.drop_constraint(op.f("ck_pickup_voucher_state_known"), table)
    op.create_check_constraint(
        op.f("ck_pickup_voucher_state_known"), table, "state IN ('valid','redeemed','revoked')"
    )
    for name in ("history", "request_key", "store_id", "reminded_at", "expires_at", "short_hash"):
        op.drop_column(table, name)
    op.execute(_BACK)
    op.drop_table("pickup_choice")
    op.drop_table("store")
