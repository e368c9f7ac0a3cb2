"""Bills of WeChat, their lines, and the differences that were found."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def _texts(*names: str, nullable: bool = False) -> list[sa.Column]:
    return [sa.Column(name, sa.Text(), nullable=nullable) for name in names]


def _counts(*names: str) -> list[sa.Column]:
    return [sa.Column(name, sa.BigInteger(), nullable=False) for name in names]


def _times(*names: str, nullable: bool = False) -> list[sa.Column]:
    return [sa.Column(name, sa.DateTime(timezone=True), nullable=nullable) for name in names]


def _day() -> sa.Column:
    return sa.Column("day", sa.Date(), nullable=False)


def upgrade() -> None:
    op.create_table(
        "bill",
        *_texts("merchant"),
        _day(),
        *_texts("state"),
        *_times("try_at"),
        *_texts("last_error", nullable=True),
        *_counts("line_count", "paid_fen", "refunded_fen", "fee_fen"),
        *_times("checked_at", nullable=True),
        sa.CheckConstraint(
            "state IN ('wanted','checked','empty')", name=op.f("ck_bill_state_known")
        ),
        sa.PrimaryKeyConstraint("merchant", "day", name=op.f("pk_bill")),
    )
    op.create_index(
        "ix_bill_wanted", "bill", ["try_at"], postgresql_where=sa.text("state = 'wanted'")
    )
    op.create_table(
        "bill_line",
        *_texts("merchant"),
        _day(),
        *_texts("kind", "number", "wechat_no"),
        *_counts("amount_fen", "fee_fen"),
        *_texts("state"),
        *_times("traded_at"),
        sa.PrimaryKeyConstraint("merchant", "day", "kind", "number", name=op.f("pk_bill_line")),
    )
    op.create_index("ix_bill_line_number", "bill_line", ["number"])
    op.create_table(
        "reconciliation_case",
        sa.Column("id", sa.Uuid(), nullable=False),
        *_texts("merchant"),
        _day(),
        *_texts("kind", "number", "difference", "at_wechat", "with_us"),
        *_counts("difference_fen"),
        *_texts("state"),
        *_texts("note", "explained_by", nullable=True),
        *_times("found_at", "changed_at"),
        sa.CheckConstraint(
            "kind IN ('payment','refund')", name=op.f("ck_reconciliation_case_kind_known")
        ),
        sa.CheckConstraint(
            "difference IN ('unknown_to_us','missing_at_wechat','amount_differs','state_differs',"
            "'fee_differs')",
            name=op.f("ck_reconciliation_case_difference_known"),
        ),
        sa.CheckConstraint(
            "state IN ('open','explained','vanished')",
            name=op.f("ck_reconciliation_case_state_known"),
        ),
        sa.CheckConstraint(
            "(state = 'explained') = (note IS NOT NULL)",
            name=op.f("ck_reconciliation_case_explained_how"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reconciliation_case")),
        sa.UniqueConstraint(
            "merchant",
            "kind",
            "number",
            "difference",
            name=op.f("uq_reconciliation_case_merchant_kind_number_difference"),
        ),
    )
    op.create_index("ix_reconciliation_case_day", "reconciliation_case", ["merchant", "day"])


    op.create_index("ix_payment_paid_at", "payment", ["paid_at"])
    op.create_index("ix_refund_ended_at", "refund", ["ended_at"])


def downgrade() -> None:
    op.drop_index("ix_refund_ended_at", "refund")
    op.drop_index("ix_payment_paid_at", "payment")
    for name in ("reconciliation_case", "bill_line", "bill"):
        op.drop_table(name)
