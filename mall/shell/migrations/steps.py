"""Steps of migrations that one statement cannot take without stalling the shop (docs/adr/0039).

Each commits on its way, so each may be run again: it begins by removing what a broken run left.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from alembic import op

# A statement that waits for a table stalls whoever comes after it, so it gives up soon.
LOCK_TIMEOUT = "800ms"


@contextmanager
def _patiently() -> Iterator[None]:
    """Outside of the migration's transaction, and without its short patience: nobody waits for us."""
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0")
        try:
            yield
        finally:
            op.execute(f"SET lock_timeout = '{LOCK_TIMEOUT}'")


def build_index(name: str, on: str, unique: bool = False) -> None:
    """Build an index while its table is written to: `on` is `table (columns) WHERE …`."""
    with _patiently():
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
        op.execute(f"CREATE {'UNIQUE ' if unique else ''}INDEX CONCURRENTLY {name} ON {on}")


def add_constraint(table: str, name: str, what: str) -> None:
    """Add a CHECK or a FOREIGN KEY: for new rows at once, then for those that are there."""
    op.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}")
    op.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {what} NOT VALID")
    with _patiently():
        op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}")


def set_not_null(table: str, column: str) -> None:
    """Forbid NULL, in a moment: a constraint that was validated before proves that there is none."""
    name = f"ck_{table}_{column}_is_there"
    add_constraint(table, name, f"CHECK ({column} IS NOT NULL)")
    op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} SET NOT NULL")
    op.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")


def serves_from(revision: str) -> None:
    """Say that code which knows migrations before this one cannot work with the schema any more.

    It stops being ready, and leaves the balancer, before it fails.
    """
    op.execute(f"COMMENT ON TABLE alembic_version IS 'serves from {revision}'")
