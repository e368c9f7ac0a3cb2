"""Whether the owner of a staff account proved who they are, and where it has signed in."""

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"
COLUMN = "person_confirmed_at"


def upgrade() -> None:
    op.add_column("staff_account", sa.Column(COLUMN, sa.DateTime(timezone=True)))
    op.create_check_constraint(
        op.f(f"ck_staff_account_{COLUMN}_in_time"),
        "staff_account",
        f"{COLUMN} BETWEEN '1970-01-01 00:00:00+00' AND '2102-01-01 00:00:00+00'",
    )
    op.create_table(
        "known_place",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["staff_account.id"], name=op.f("fk_known_place_account_id")
        ),
        sa.PrimaryKeyConstraint("account_id", "address", name=op.f("pk_known_place")),
        sa.CheckConstraint(
            "last_at BETWEEN '1970-01-01 00:00:00+00' AND '2102-01-01 00:00:00+00'",
            name=op.f("ck_known_place_last_at_in_time"),
        ),
    )


def downgrade() -> None:
    op.drop_table("known_place")
    op.drop_column("staff_account", COLUMN)
