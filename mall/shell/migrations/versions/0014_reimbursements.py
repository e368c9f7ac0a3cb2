"""What goes back of an order, line by line and tender by tender."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014"
down_revision = "0013"

PURPOSES = {
    True: "purpose IN ('late','cancelled','after_sales')",
    False: "purpose IN ('late','cancelled')",
}


def _purposes(with_after_sales: bool) -> None:
    op.drop_constraint(op.f("ck_refund_purpose_known"), "refund")
    op.create_check_constraint(
        op.f("ck_refund_purpose_known"), "refund", PURPOSES[with_after_sales]
    )


def _amount(name: str) -> sa.Column:
    return sa.Column(name, sa.BigInteger(), server_default="0", nullable=False)


def upgrade() -> None:
    _purposes(True)
    op.add_column("shop_order", _amount("refunded_beans_fen"))
    op.add_column("shop_order", _amount("refunded_wechat_fen"))
    op.create_check_constraint(
        op.f("ck_shop_order_never_more_back"),
        "shop_order",
        "refunded_beans_fen BETWEEN 0 AND beans_fen"
        " AND refunded_wechat_fen BETWEEN 0 AND wechat_fen",
    )
    op.add_column("order_programme", _amount("returned_fen"))
    op.create_check_constraint(
        op.f("ck_order_programme_never_more_back"),
        "order_programme",
        "returned_fen BETWEEN 0 AND amount_fen",
    )
    op.add_column("ledger_fund", sa.Column("union_id", sa.Uuid(), nullable=True))
    op.execute("UPDATE ledger_fund f SET union_id = p.union_id FROM programme p WHERE p.id = f.id")
    op.create_table(
        "reimbursement",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("order_line_id", sa.Uuid(), nullable=True),
        sa.Column("supplier_id", sa.Uuid(), nullable=False),
        *(
            sa.Column(name, sa.BigInteger(), nullable=False)
            for name in ("amount_fen", "beans_fen", "wechat_fen")
        ),
        sa.Column("bean_lots", postgresql.JSONB(), nullable=False),
        sa.Column("unsent", sa.BigInteger(), nullable=False),
        sa.Column("refund_id", sa.Uuid(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "amount_fen = beans_fen + wechat_fen", name=op.f("ck_reimbursement_tenders_add_up")
        ),
        sa.CheckConstraint(
            "amount_fen > 0 AND beans_fen >= 0 AND wechat_fen >= 0",
            name=op.f("ck_reimbursement_amount_positive"),
        ),
        sa.CheckConstraint("unsent >= 0", name=op.f("ck_reimbursement_unsent_not_negative")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reimbursement")),
        sa.UniqueConstraint("reference", name=op.f("uq_reimbursement_reference")),
    )
    op.create_index("ix_reimbursement_order_id", "reimbursement", ["order_id"])
    op.create_index("ix_reimbursement_order_line_id", "reimbursement", ["order_line_id"])


def downgrade() -> None:
    op.drop_table("reimbursement")
    op.drop_column("ledger_fund", "union_id")
    op.drop_constraint(op.f("ck_order_programme_never_more_back"), "order_programme")
    op.drop_column("order_programme", "returned_fen")
    op.drop_constraint(op.f("ck_shop_order_never_more_back"), "shop_order")
    op.drop_column("shop_order", "refunded_wechat_fen")
    op.drop_column("shop_order", "refunded_beans_fen")
    _purposes(False)
