"""Queues carry the names of what they do; what waits moves with them."""

from alembic import op

revision = "0021"
down_revision = "0020"
NAMES = {"money": "payments", "default": "fulfillment"}


def upgrade() -> None:
    _rename(NAMES)


def downgrade() -> None:
    _rename({new: old for old, new in NAMES.items()} | {"notify": "bulk"})


def _rename(names: dict[str, str]) -> None:
    for before, after in names.items():
        op.execute(
            f"UPDATE outbox_delivery SET queue = '{after}'"
            f" WHERE queue = '{before}' AND state IN ('pending', 'parked')"
        )
