"""A bill's lines are kept as they stand there, and each says whether it proves a posting."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
OLD = "'unknown_to_us','missing_at_wechat','amount_differs','state_differs','fee_differs'"
NEW = f"{OLD},'line_repeated','coupon_used','other_merchant','other_currency','other_day'"
UNIQUE = "uq_reconciliation_case_merchant_kind_number_difference"


def upgrade() -> None:
    op.add_column("bill_line", sa.Column("line", sa.BigInteger(), nullable=True))
    for name, kind, value in (
        ("coupon_fen", sa.BigInteger(), "0"),
        ("mch_id", sa.Text(), ""),
        ("currency", sa.Text(), "CNY"),
    ):
        op.add_column("bill_line", sa.Column(name, kind, nullable=False, server_default=value))
        op.alter_column("bill_line", name, server_default=None)
    op.add_column(
        "bill_line", sa.Column("is_proof", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.execute(
        """
        UPDATE bill_line l SET line = n.line FROM (
            SELECT ctid, row_number() OVER (PARTITION BY merchant, day
                                            ORDER BY traded_at, kind, number) AS line
            FROM bill_line) n
        WHERE n.ctid = l.ctid
        """
    )
    op.drop_constraint("pk_bill_line", "bill_line")
    op.create_primary_key("pk_bill_line", "bill_line", ["merchant", "day", "line"])
    # The earliest line of each number that we know proves it; matching again finds the rest.
    op.execute(
        """
        UPDATE bill_line l SET is_proof = true FROM (
            SELECT DISTINCT ON (b.merchant, b.kind, b.number) b.merchant, b.day, b.line
            FROM bill_line b
            LEFT JOIN payment p ON b.kind = 'payment' AND p.out_trade_no = b.number
                               AND p.merchant = b.merchant
            LEFT JOIN (refund r JOIN payment q ON q.id = r.payment_id)
              ON b.kind = 'refund' AND r.out_refund_no = b.number AND q.merchant = b.merchant
            WHERE p.id IS NOT NULL OR r.id IS NOT NULL
            ORDER BY b.merchant, b.kind, b.number, b.day, b.line) f
        WHERE l.merchant = f.merchant AND l.day = f.day AND l.line = f.line
        """
    )
    # A bill's figures count refunds that moved money; one that failed is only listed.
    op.execute(
        """
        UPDATE bill b SET refunded_fen = s.fen FROM (
            SELECT merchant, day, coalesce(sum(amount_fen) FILTER (
                WHERE state IN ('SUCCESS', 'PROCESSING')), 0) AS fen
            FROM bill_line WHERE kind = 'refund' GROUP BY merchant, day) s
        WHERE b.merchant = s.merchant AND b.day = s.day
        """
    )
    op.create_index(
        "uq_bill_line_proof",
        "bill_line",
        ["merchant", "kind", "number"],
        unique=True,
        postgresql_where=sa.text("is_proof"),
    )
    op.add_column(
        "reconciliation_case", sa.Column("place", sa.Text(), nullable=False, server_default="")
    )
    op.drop_constraint(op.f(UNIQUE), "reconciliation_case")
    op.create_unique_constraint(
        op.f(f"{UNIQUE}_place"),
        "reconciliation_case",
        ["merchant", "kind", "number", "difference", "place"],
    )
    _differences(NEW)


def _differences(names: str) -> None:
    name = "ck_reconciliation_case_difference_known"
    op.drop_constraint(op.f(name), "reconciliation_case")
    op.create_check_constraint(op.f(name), "reconciliation_case", f"difference IN ({names})")


def downgrade() -> None:
    op.execute(f"DELETE FROM reconciliation_case WHERE difference NOT IN ({OLD}) OR place <> ''")
    _differences(OLD)
    op.drop_constraint(op.f(f"{UNIQUE}_place"), "reconciliation_case")
    op.create_unique_constraint(
        op.f(UNIQUE), "reconciliation_case", ["merchant", "kind", "number", "difference"]
    )
    op.drop_column("reconciliation_case", "place")
    op.drop_index("uq_bill_line_proof", "bill_line")
    op.execute(
        """
        DELETE FROM bill_line a USING bill_line b
        WHERE a.merchant = b.merchant AND a.day = b.day AND a.kind = b.kind
          AND a.number = b.number AND a.line > b.line
        """
    )
    op.drop_constraint("pk_bill_line", "bill_line")
    op.create_primary_key("pk_bill_line", "bill_line", ["merchant", "day", "kind", "number"])
    for name in ("line", "coupon_fen", "mch_id", "currency", "is_proof"):
        op.drop_column("bill_line", name)
