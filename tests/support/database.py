"""What stands in the database, read and written as nobody but a test may."""

import functools
from dataclasses import replace

import psycopg
from sqlalchemy import text

from mall.audit import queries as audit_queries
from mall.kernel import invariants
from mall.kernel.db import driver_url
from mall.kernel.uow import reading, reading_one_instant, unit_of_work
from mall.shell import wiring


def findings_of(world, skipped=frozenset()):
    """Return how often each invariant is broken, for those that are."""
    wanted = [each for each in wiring.BOOKS.invariants if each.name not in skipped]
    with world.app.app_context(), reading_one_instant() as session:
        # One round trip says whether anything is broken; the state machines ask after each step.
        broken = session.execute(any_breach(tuple(wanted))).one()
        books = replace(wiring.BOOKS, invariants=wanted)
        found = invariants.check(session, books) if any(broken) else []
    return {each.invariant.name: each.breach_count for each in found if not each.is_kept}


def oldest_transaction(world):
    """Return which transactions are over: all with a lower number."""
    [row] = select_rows(
        world, "SELECT CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS bigint) AS n"
    )
    return row.n


def mark_beginning(world, books):
    """Let the audit of the day know that it has seen all that was before this world: nothing."""
    with world.app.app_context(), reading() as session:
        basis = audit_queries.instant(session, books).basis
    execute_sql(
        world,
        "INSERT INTO audit_mark AS m (id, basis, horizon, taken_at) VALUES (1, :basis, :n, now())"
        " ON CONFLICT (id) DO UPDATE SET basis = excluded.basis, horizon = excluded.horizon",
        basis=basis,
        n=world.beginning,
    )


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
def any_breach(wanted):
    """Return one statement that tells of each invariant whether something breaks it."""

    def is_broken(invariant):
        asked = (invariants.whole_sql(part, wiring.BOOKS.sums) for part in invariant.parts)
        return " OR ".join(f"EXISTS ({sql})" for sql in asked)

    columns = ",\n".join(f"({is_broken(each)}) AS {each.name}" for each in wanted)
    return text(f"SELECT {columns}")
