"""Sessions end with their reason; guesses are counted where nobody waits for the guesser."""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"


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
    _people()


def _time(name: str, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _account(table: str, **how: bool) -> tuple[sa.Column, sa.ForeignKeyConstraint]:
    name = f"fk_{table}_account_id"
    key = sa.ForeignKeyConstraint(["account_id"], ["staff_account.id"], name=op.f(name))
    return sa.Column("account_id", sa.Uuid(), nullable=how.get("nullable", False)), key


def _people() -> None:
    """Accounts by invitation, second factors, and what needs two persons."""
    op.alter_column("staff_account", "password_hash", nullable=True)
    op.add_column("staff_account", sa.Column("phone", sa.Text()))
    op.add_column("staff_account", sa.Column("member_id", sa.Uuid()))
    # Operators could do everything so far.
    op.execute(
        "UPDATE staff_account SET duties = '{reviews,finance_enters,finance_confirms,service,"
        "merchandising,accounts,audits}' WHERE role = 'operator'"
    )
    op.create_table(
        "staff_invitation",
        sa.Column("id", sa.Uuid(), nullable=False),
        *_account("staff_invitation"),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("issued_by", sa.Text(), nullable=False),
        _time("issued_at"),
        _time("expires_at"),
        _time("used_at", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_staff_invitation"),
        sa.UniqueConstraint("code_hash", name="uq_staff_invitation_code_hash"),
    )
    op.create_index("ix_staff_invitation_account_id", "staff_invitation", ["account_id"])
    op.create_table(
        "password_request",
        *_account("password_request"),
        _time("asked_at"),
        sa.PrimaryKeyConstraint("account_id", name="pk_password_request"),
    )
    op.create_table(
        "second_factor",
        *_account("second_factor"),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        _time("created_at"),
        _time("confirmed_at", nullable=True),
        sa.PrimaryKeyConstraint("account_id", name="pk_second_factor"),
    )
    op.create_table(
        "recovery_code",
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        *_account("recovery_code"),
        _time("used_at", nullable=True),
        sa.PrimaryKeyConstraint("code_hash", name="pk_recovery_code"),
    )
    op.create_index("ix_recovery_code_account_id", "recovery_code", ["account_id"])
    op.create_table(
        "staff_change",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        *_account("staff_change", nullable=True),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("username", "display_name", "role")),
        sa.Column("scope_id", sa.Uuid()),
        sa.Column("duties", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("phone", sa.Text()),
        sa.Column("proposed_by_id", sa.Uuid()),
        _time("proposed_at"),
        sa.Column("decided_by_id", sa.Uuid()),
        _time("decided_at", nullable=True),
        sa.CheckConstraint(
            "kind IN ('open','duties','invite')", name=op.f("ck_staff_change_kind_known")
        ),
        sa.CheckConstraint(
            "state IN ('proposed','confirmed','rejected')", name=op.f("ck_staff_change_state_known")
        ),
        sa.CheckConstraint(
            "decided_by_id <> proposed_by_id", name=op.f("ck_staff_change_two_accounts")
        ),
        sa.PrimaryKeyConstraint("id", name="pk_staff_change"),
    )
    op.create_index("ix_staff_change_state", "staff_change", ["state", "id"])


def downgrade() -> None:
    for table in (
        "staff_change",
        "recovery_code",
        "second_factor",
        "password_request",
        "staff_invitation",
    ):
        op.drop_table(table)
    op.drop_column("staff_account", "member_id")
    op.drop_column("staff_account", "phone")
    op.execute("UPDATE staff_account SET password_hash = '' WHERE password_hash IS NULL")
    op.alter_column("staff_account", "password_hash", nullable=False)
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
