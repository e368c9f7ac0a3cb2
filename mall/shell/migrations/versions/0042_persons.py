"""Whether the owner of a staff account proved who they are."""

import sqlalchemy as sa
from alembic import op

revision = "0042"
down_revision = "0041"
COLUMN = "person_confirmed_at"


def upgrade() -> None:
    op.add_column("staff_account", sa.Column(COLUMN, sa.DateTime(timezone=True)))
    op.create_check_constraint(
        op.f(f"ck_staff_account_{COLUMN}_in_time"),
        "staff_account",
        f"{COLUMN} BETWEEN '1970-01-01 00:00:00+00' AND '2102-01-01 00:00:00+00'",
    )


def downgrade() -> None:
    op.drop_column("staff_account", COLUMN)
