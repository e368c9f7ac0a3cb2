"""Sessions end with their reason; guesses are counted where nobody waits for the guesser."""

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0026"


def upgrade() -> None:
    for table in ("staff_account", "access_token", "member"):
        op.add_column(
            table, sa.Column("epoch", sa.BigInteger(), server_default="0", nullable=False)
        )
    op.add_column(
        "trade_union",
        sa.Column("is_active", sa.Boolean(), server_default="true", nullable=False),
    )
    op.drop_column("staff_account", "failed_count")
    op.drop_column("staff_account", "locked_until")
    op.drop_table("wrong_try")
    op.create_table(
        "guess_counter",
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("purpose", "subject", "address")),
        sa.Column("tries", sa.BigInteger(), nullable=False),
        *(
            sa.Column(name, sa.DateTime(timezone=True), nullable=False)
            for name in ("opens_at", "ends_at")
        ),
        sa.PrimaryKeyConstraint("purpose", "subject", "address", name="pk_guess_counter"),
    )
    op.create_index("ix_guess_counter_ends_at", "guess_counter", ["ends_at"])


def downgrade() -> None:
    op.drop_table("guess_counter")
    op.create_table(
        "wrong_try",
        *(sa.Column(name, sa.Uuid(), nullable=False) for name in ("id", "subject_id")),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("tried_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_wrong_try"),
    )
    op.create_index(
        "ix_wrong_try_subject_id", "wrong_try", ["subject_id", "purpose", "tried_at"]
    )
    op.add_column("staff_account", sa.Column("locked_until", sa.DateTime(timezone=True)))
    op.add_column(
        "staff_account",
        sa.Column("failed_count", sa.BigInteger(), server_default="0", nullable=False),
    )
    op.drop_column("trade_union", "is_active")
    for table in ("member", "access_token", "staff_account"):
        op.drop_column(table, "epoch")
