"""Employee numbers and suppliers' own product codes of before are plain, as they are read today.

What was stored in full width, or with what nobody sees, would not be met again by the next sheet. Where
the plain number is another one's within its roster or supplier it stays, and the log says which.
"""

import logging
from collections import Counter

import sqlalchemy as sa
from alembic import op

from mall.kernel.text import canonical

revision = "0043"
down_revision = "0042"

log = logging.getLogger("alembic.runtime.migration")
# Table, column, within what it is one row's.
NUMBERS = (("roster_entry", "employee_no", "roster_id"), ("product", "source_id", "supplier_id"))


def make_plain(table: str, column: str, owner: str) -> None:
    connection = op.get_bind()
    # Printable ASCII without spaces at the ends is plain; all else is looked at.
    odd = connection.execute(
        sa.text(
            f"SELECT id, {owner} AS owner, {column} AS old FROM {table}"
            f" WHERE {column} !~ '^[!-~]+( [!-~]+)*$' ORDER BY id"
        )
    ).all()
    wanted = Counter((row.owner, canonical.code(row.old)) for row in odd)
    for row in odd:
        plain = canonical.code(row.old)
        if plain == row.old:
            continue
        taken = connection.execute(
            sa.text(
                f"SELECT 1 FROM {table} WHERE {owner} = :owner AND {column} = :plain AND id <> :id"
            ),
            {"owner": row.owner, "plain": plain, "id": row.id},
        ).first()
        if not plain or taken is not None or wanted[row.owner, plain] > 1:
            log.warning("%s %s: “%s” stays, “%s” is taken", table, row.id, row.old, plain)
            continue
        connection.execute(
            sa.text(f"UPDATE {table} SET {column} = :plain WHERE id = :id"),
            {"plain": plain, "id": row.id},
        )


def upgrade() -> None:
    for table, column, owner in NUMBERS:
        make_plain(table, column, owner)


def downgrade() -> None:
    """Numbers stay plain: what was read of them is the same."""
