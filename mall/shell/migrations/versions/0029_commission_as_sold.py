"""A line keeps the commission that it was sold at; a supplier's rate changes from a day on."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"


def upgrade() -> None:
    op.create_table(
        "commission_rate",
        sa.Column("supplier_id", sa.Uuid(), nullable=False),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("commission_bps", sa.BigInteger(), nullable=False),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.Column("set_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint(
            "commission_bps BETWEEN 0 AND 10000", name=op.f("ck_commission_rate_commission_sane")
        ),
        sa.ForeignKeyConstraint(
            ["supplier_id"], ["supplier.id"], name=op.f("fk_commission_rate_supplier_id")
        ),
        sa.PrimaryKeyConstraint("supplier_id", "from_on", name=op.f("pk_commission_rate")),
    )
    # What was settled keeps its rate; what was not has that of its supplier, as it would have got.
    op.add_column(
        "order_line",
        sa.Column("commission_bps", sa.BigInteger(), nullable=False, server_default="0"),
    )
    op.execute(
        """
        UPDATE order_line l
        SET commission_bps = coalesce(
            (SELECT i.commission_bps FROM settlement_item i
             WHERE i.order_id = l.order_id AND i.order_line_id = l.id AND i.kind = 'sale' LIMIT 1),
            u.commission_bps)
        FROM supplier u WHERE u.id = l.supplier_id
        """
    )
    op.alter_column("order_line", "commission_bps", server_default=None)


def downgrade() -> None:
    op.drop_column("order_line", "commission_bps")
    op.drop_table("commission_rate")
