"""What stands in the database, read and written as nobody but a test may."""

import functools

import psycopg
from sqlalchemy import text

from mall.kernel import invariants
from mall.kernel.db import driver_url
from mall.kernel.uow import reading, reading_one_instant, unit_of_work
from mall.shell import wiring


def findings_of(world, skipped=frozenset()):
    """Return how often each invariant is broken, for those that are."""
    wanted = [each for each in wiring.INVARIANTS if each.name not in skipped]
    with world.app.app_context(), reading_one_instant() as session:
        # One round trip says whether anything is broken; the state machines ask after each step.
        broken = session.execute(any_breach(tuple(wanted))).one()
        found = invariants.check(session, wanted) if any(broken) else []
    return {each.invariant.name: each.breach_count for each in found if not each.is_kept}


def break_rules(world, statement):
    """Run SQL with triggers and foreign keys off, as only a superuser could."""
    with world.app.app_context(), unit_of_work() as uow:
        uow.session.execute(text("SET LOCAL session_replication_role = replica"))
        changed = uow.session.execute(text(statement))
        assert changed.rowcount > 0


def break_rules_if_any(world, statement):
    """The same, where there may be nothing to change."""
    with world.app.app_context(), unit_of_work() as uow:
        uow.session.execute(text("SET LOCAL session_replication_role = replica"))
        uow.session.execute(text(statement))


def cut_database_connections(world):
    """End every other connection to this database, as a restart of the server would."""
    with psycopg.connect(database_url_of(world), autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def database_url_of(world):
    url = world.app.extensions["mall_settings"].database_url
    return driver_url(url)


def select_rows(world, statement, **values):
    """Return what a query of SQL finds."""
    with world.app.app_context(), reading() as session:
        return session.execute(text(statement), values).all()


def count_rows(world, table):
    [row] = select_rows(world, f"SELECT count(*) AS n FROM {table}")
    return row.n


def execute_sql(world, statement, **values):
    """Run a statement of SQL, as nobody but a test may."""
    with world.app.app_context(), unit_of_work() as uow:
        return uow.session.execute(text(statement), values)


@functools.cache
def any_breach(invariants):
    """Return one statement that tells of each invariant whether something breaks it."""
    columns = ",\n".join(f"EXISTS ({each.breaches}) AS {each.name}" for each in invariants)
    return text(f"SELECT {columns}")
