"""The upgrades of `readable` and `shapes` on a database with rows that nobody could read."""

import psycopg
import pytest
from alembic import command
from sqlalchemy import create_engine

from mall.shell import config, database

ID = "019a3c5e-0000-7000-8000-{:012d}".format
# Names as they were before one place made text canonical: the same to a person, blank, in full width.
NAMES = [
    "名",
    "名 ",
    "名\u200b",
    "   ",
    "\u200b",
    "\u3000",
    "Ａ１",
    "A1",
    "a1",
    "买买提•艾力",
    "买买提·艾力",
]
# What was written, and what it is moved to: a column that requires a time has the nearest one.
TIMES = {
    "9999-12-31 23:59:59+00": "2102-01-01 00:00:00+00",
    "infinity": "2102-01-01 00:00:00+00",
    "-infinity": "1970-01-01 00:00:00+00",
    "0001-01-01 00:00:00+00": "1970-01-01 00:00:00+00",
    "0044-03-15 00:00:00+00 BC": "1970-01-01 00:00:00+00",
    "2026-05-01 00:00:00+00": "2026-05-01 00:00:00+00",
    "1970-01-01 00:00:00+00": "1970-01-01 00:00:00+00",
    "2102-01-01 00:00:00+00": "2102-01-01 00:00:00+00",
}


@pytest.fixture
def old(database_url, worker_id):
    """A database as it was before, and the way to bring it to today."""
    name = f"old_{worker_id}"
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {name}")
    url = database_url.replace(f"mall_{worker_id}", name)
    settings = config.load({"DATABASE_URL": url, "REDIS_URL": "redis://unused"})
    engine = create_engine(settings.database_url)
    alembic = database.alembic_config()
    with engine.connect() as connection:
        alembic.attributes["connection"] = connection
        command.upgrade(alembic, "0035")
        connection.commit()
    with psycopg.connect(url, autocommit=True) as plain:
        plain.execute("SET timezone = 'UTC'")
        yield plain, lambda: database.migrate(settings)
    engine.dispose()


def plant(connection, table, **values):
    """Write a row: what is not said gets whatever its column takes."""
    columns = connection.execute(
        "SELECT column_name, data_type FROM information_schema.columns"
        " WHERE table_name = %s AND is_nullable = 'NO' AND column_default IS NULL",
        (table,),
    ).fetchall()
    plain = {
        "text": "x",
        "bigint": 1,
        "integer": 1,
        "boolean": True,
        "uuid": ID(1),
        "date": "2026-01-01",
        "timestamp with time zone": "2026-01-01 00:00:00+00",
        "jsonb": "[]",
        "double precision": 1.0,
    }
    row = {name: plain[kind] for name, kind in columns} | values
    names, marks = ", ".join(row), ", ".join(["%s"] * len(row))
    connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(row.values()))


def all_rows(connection, table, columns):
    return connection.execute(f"SELECT {columns} FROM {table} ORDER BY id").fetchall()


def test_odd_old_rows_come_through_the_upgrade_and_nothing_is_lost(old, capsys):
    connection, upgrade = old
    connection.execute("SET session_replication_role = replica")
    for number, name in enumerate(NAMES):
        plant(connection, "supplier", id=ID(number), name=name, state="active")
    for number, moment in enumerate(TIMES):
        plant(
            connection,
            "storefront_section",
            id=ID(number),
            title=f"馆 {number}",
            kind="seasonal",
            rule='{"a": 1}' if number else "[5]",
            created_at=moment,
        )
    for number, born in enumerate(
        ["0001-01-01", "infinity", "1899-12-31", "1900-01-01", "9999-12-31"]
    ):
        plant(
            connection,
            "roster_entry",
            id=ID(number),
            born_on=born,
            name="陈小湛",
            phone=f"1380000000{number}",
        )
    connection.execute("SET session_replication_role = origin")
    upgrade()
    # Every name is still there, letter by letter; each has a key, and namesakes have their ids to it.
    found = all_rows(connection, "supplier", "name, name_key, id::text")
    assert [row[0] for row in found] == NAMES
    keys = [row[1] for row in found]
    assert len(set(keys)) == len(NAMES)
    plain = [key.partition("#")[0] for key in keys]
    assert plain == ["名", "名", "名", "", "", "", "a1", "a1", "a1", "买买提·艾力", "买买提·艾力"]
    assert [key == part for key, part in zip(keys, plain, strict=True)] == [
        *(True, False, False, False, False, False, True, False, False, True, False)
    ]
    assert all(row[1].endswith(row[2]) for row in found if "#" in row[1])
    # Times are at the nearest edge, and can be read by the driver.
    moved = all_rows(connection, "storefront_section", "created_at::text, rule::text")
    assert [row[0] for row in moved] == list(TIMES.values())
    born = [row[0] for row in all_rows(connection, "roster_entry", "born_on::text")]
    assert born == ["1900-01-01", "2102-01-01", "1900-01-01", "1900-01-01", "2102-01-01"]
    # JSON of another shape stays as it was; the upgrade tells of it, and takes no more.
    assert moved[0][1] == "[5]"
    assert "1 rows of storefront_section have a rule of another shape" in capsys.readouterr().out
    with pytest.raises(psycopg.errors.CheckViolation):
        connection.execute("UPDATE storefront_section SET rule = '5' WHERE id = %s", (ID(1),))
    # Doing it again changes nothing.
    upgrade()
    assert all_rows(connection, "supplier", "name, name_key, id::text") == found


def test_times_in_tables_that_only_grow_stay_and_are_told(old, capsys):
    connection, upgrade = old
    connection.execute("SET session_replication_role = replica")
    plant(
        connection,
        "ledger_transfer",
        id=ID(1),
        reference="old",
        asset="beans",
        **{"posted_at": "9999-12-31 00:00:00+00"},
    )
    connection.execute("SET session_replication_role = origin")
    upgrade()
    [(kept,)] = connection.execute("SELECT posted_at::text FROM ledger_transfer").fetchall()
    assert kept.startswith("9999-12-31")
    [(is_valid,)] = connection.execute(
        "SELECT convalidated FROM pg_constraint WHERE conname = 'ck_ledger_transfer_posted_at_in_time'"
    ).fetchall()
    assert not is_valid
