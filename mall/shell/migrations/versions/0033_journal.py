"""The journal of staff acts: lines, what waits for its seal, the chain."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0033"
down_revision = "0032"
APPEND_ONLY = ("journal_line", "journal_seal")


def _line_id(table: str) -> tuple[sa.Column, sa.ForeignKeyConstraint]:
    key = sa.ForeignKeyConstraint(["line_id"], ["journal_line.id"], name=f"fk_{table}_line_id")
    return sa.Column("line_id", sa.Uuid(), nullable=False), key


def upgrade() -> None:
    op.create_table(
        "journal_line",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("audience", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        *(
            sa.Column(name, sa.Text(), nullable=False)
            for name in ("actor_name", "operation", "request")
        ),
        sa.Column("objects", postgresql.ARRAY(sa.Text()), nullable=False),
        *(
            sa.Column(name, postgresql.JSONB(), nullable=False)
            for name in ("given", "before", "after")
        ),
        *(
            sa.Column(name, sa.Text(), nullable=False)
            for name in ("address", "request_id", "outcome")
        ),
        sa.PrimaryKeyConstraint("id", name="pk_journal_line"),
    )
    op.create_index("ix_journal_line_actor_id", "journal_line", ["actor_id", "id"])
    op.create_index("ix_journal_line_operation", "journal_line", ["operation", "id"])
    op.create_index("ix_journal_line_at", "journal_line", ["at"])
    op.create_index(
        "ix_journal_line_objects", "journal_line", ["objects"], postgresql_using="gin"
    )
    op.create_table(
        "journal_pending",
        *_line_id("journal_pending"),
        sa.Column(
            "queued_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False
        ),
        sa.PrimaryKeyConstraint("line_id", name="pk_journal_pending"),
    )
    op.create_table(
        "journal_seal",
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        *_line_id("journal_seal"),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("position", name="pk_journal_seal"),
        sa.UniqueConstraint("line_id", name="uq_journal_seal_line_id"),
    )
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def downgrade() -> None:
    for table in ("journal_seal", "journal_pending", "journal_line"):
        op.drop_table(table)
