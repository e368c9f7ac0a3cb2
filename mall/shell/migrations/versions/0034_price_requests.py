"""Unions ask suppliers for other prices than theirs; what was answered is kept with the pack."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0034"
down_revision = "0033"


def upgrade() -> None:
    op.create_table(
        "price_request",
        *(sa.Column(n, sa.Uuid(), nullable=False) for n in ("id", "pack_id", "sku_id")),
        sa.Column("supplier_id", sa.Uuid(), nullable=False),
        sa.Column("scope_id", sa.Uuid(), nullable=True),
        *(sa.Column(n, sa.Text(), nullable=False) for n in ("asked_by_name", "pack_title", "title")),
        sa.Column("options", postgresql.JSONB(), nullable=False),
        *(
            sa.Column(n, sa.BigInteger(), nullable=False)
            for n in ("quantity", "price_fen", "union_price_fen")
        ),
        *(sa.Column(n, sa.Text(), nullable=False) for n in ("note", "state", "asked_by")),
        sa.Column("asked_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('asked','accepted','refused')", name=op.f("ck_price_request_state_known")
        ),
        sa.CheckConstraint("price_fen > 0", name=op.f("ck_price_request_price_positive")),
        sa.CheckConstraint(
            "(state = 'asked') = (decided_at IS NULL)", name=op.f("ck_price_request_decided_once")
        ),
        sa.ForeignKeyConstraint(["pack_id"], ["pack.id"], name=op.f("fk_price_request_pack_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_price_request")),
    )
    op.create_index(
        "uq_price_request_open",
        "price_request",
        ["pack_id", "sku_id", "price_fen"],
        unique=True,
        postgresql_where=sa.text("state IN ('asked','accepted')"),
    )
    op.create_index("ix_price_request_supplier_id", "price_request", ["supplier_id", "id"])


def downgrade() -> None:
    op.drop_table("price_request")
