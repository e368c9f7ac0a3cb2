"""Bring the database to the newest migration while the shop is open (docs/adr/0039)."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from psycopg import errors as pg_errors
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from mall.kernel.settings import Settings
from mall.shell import wiring
from mall.shell.checks.readiness import MIGRATIONS
from mall.shell.migrations.steps import LOCK_TIMEOUT

log = structlog.get_logger(__name__)
# Two processes that migrate at once take turns.
MIGRATION_LOCK = 7_220_261_124
# A migration that gave up is tried again: often enough to outlast a report.
TRIES, PAUSE_SECONDS = 600, 1.0
APPLICATION = "mall migrate"
Tell = Callable[[str], object]


def alembic_config() -> Config:
    """Return Alembic's configuration, which needs no file."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


@contextmanager
def _owner(settings: Settings) -> Iterator[Connection]:
    engine = create_engine(
        settings.owner_url,
        poolclass=NullPool,
        connect_args={"application_name": APPLICATION, "connect_timeout": 5},
        hide_parameters=True,
    )
    with engine.connect() as connection:
        yield connection


def migrate(settings: Settings, tell: Tell = lambda _: None) -> tuple[str | None, str | None]:
    """Upgrade to the newest migration, as the tables' owner; return which it was at, and is now.

    Doing it again changes nothing. The role that serves gets the rights on what is new.
    """
    assert wiring.BLUEPRINTS  # every table is known once the packages are wired
    with _owner(settings) as connection:
        connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": MIGRATION_LOCK})
        connection.commit()
        try:
            before = _revision(connection)
            _upgrade(connection, tell)
            after = _revision(connection)
            if settings.owner_url != settings.database_url:
                give_rights(connection, _role_of(settings.database_url))
        finally:
            connection.rollback()
            connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": MIGRATION_LOCK})
            connection.commit()
    return before, after


def _revision(connection: Connection) -> str | None:
    found = MigrationContext.configure(connection).get_current_revision()
    connection.rollback()
    return found


def _upgrade(connection: Connection, tell: Tell) -> None:
    """Run what is missing; each migration is a transaction, so that a retry goes on from there."""
    config = alembic_config()
    config.attributes["connection"] = connection
    for attempt in range(1, TRIES + 1):
        connection.execute(text(f"SET lock_timeout = '{LOCK_TIMEOUT}'"))
        connection.commit()
        try:
            command.upgrade(config, "head")
        except OperationalError as error:
            connection.rollback()
            if not isinstance(error.orig, pg_errors.LockNotAvailable) or attempt == TRIES:
                raise
            log.info("migration_waits", attempt=attempt, blocked_by=_blockers(connection))
            if attempt == 1:
                tell("a table is in use by a long transaction; trying again every second")
            time.sleep(PAUSE_SECONDS)
        else:
            return


def _blockers(connection: Connection) -> list[str]:
    """Return the oldest transactions on this database: what a migration most likely waits for."""
    found = connection.execute(
        text(
            "SELECT format('%s %s since %s s', pid, application_name,"
            "              round(extract(epoch FROM now() - xact_start)))"
            " FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND xact_start < now() - interval '1 second' ORDER BY xact_start LIMIT 3"
        )
    ).scalars()
    blockers = list(found)
    connection.rollback()
    return blockers


def _role_of(database_url: str) -> str:
    """Return the role that an address signs in as, as the server knows it."""
    engine = create_engine(database_url, poolclass=NullPool)
    with engine.connect() as connection:
        return str(connection.scalar(text("SELECT current_user")))


def give_rights(connection: Connection, role: str) -> None:
    """Let a role read and write the rows of every table; nothing else."""
    quoted = connection.dialect.identifier_preparer.quote(role)
    schema = connection.scalar(text("SELECT quote_ident(current_schema())"))
    for right in (
        f"GRANT USAGE ON SCHEMA {schema} TO {quoted}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {quoted}",
        f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {schema} TO {quoted}",
        f"REVOKE INSERT, UPDATE, DELETE ON alembic_version FROM {quoted}",
    ):
        connection.execute(text(right))
    connection.commit()
