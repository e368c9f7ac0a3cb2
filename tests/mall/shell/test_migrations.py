"""Migrations go up and down; the way back is written because somebody will need it at night."""

import os
import subprocess

import psycopg
import pytest
from alembic import command
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from mall.kernel.db import db
from mall.shell import config, database
from tests.support.database import execute_sql, select_rows
from tests.support.processes import MALL
from tests.support.shop import new_sku, new_supplier


@pytest.fixture
def empty_url(database_url, worker_id):
    """A database without anything in it."""
    name = f"empty_{worker_id}"
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {name}")
    return database_url.replace(f"mall_{worker_id}", name)


def test_every_migration_goes_up_down_and_up_again(empty_url):
    settings = config.load({"DATABASE_URL": empty_url, "REDIS_URL": "redis://unused"})
    database.migrate(settings)
    alembic = database.alembic_config()
    engine = create_engine(settings.database_url)
    with engine.connect() as connection:
        alembic.attributes["connection"] = connection
        command.downgrade(alembic, "base")
        connection.commit()
    engine.dispose()
    with psycopg.connect(empty_url) as connection:
        left = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        ).fetchall()
    assert [row[0] for row in left] == ["alembic_version"]
    database.migrate(settings)
    database.migrate(settings)


def test_two_processes_that_migrate_at_once_take_turns(empty_url):
    environment = {**os.environ, "DATABASE_URL": empty_url, "REDIS_URL": "redis://unused"}
    started = [
        subprocess.Popen([MALL, "migrate"], env=environment, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = [process.communicate(timeout=60)[1] for process in started]
    assert [process.returncode for process in started] == [0, 0], said


def test_codes_that_were_stored_in_full_width_are_plain_afterwards_but_where_one_is_taken(
    world, caplog
):
    """They are planted as they were stored once; whoever waits for review keeps its SKUs."""
    supplier_id = new_supplier(world)
    skus = [new_sku(world, 1000, 5, supplier_id)[1] for _ in range(5)]
    codes = ("ＡＢ－１２", "Ｃ１", "C1", "Ｄ\u200b１", "D１")
    for sku, code in zip(skus, codes, strict=True):
        execute_sql(
            world, "UPDATE sku SET code = :code, barcode = :code WHERE id = :id", code=code, id=sku
        )
    execute_sql(
        world,
        "INSERT INTO product_revision (id, product_id, number, content, state, reasons, submitted_at)"
        " SELECT gen_random_uuid(), product_id, 99, jsonb_build_object('skus', jsonb_build_array("
        "  jsonb_build_object('code', 'x'), jsonb_build_object('code', code, 'price_fen', 7))),"
        " 'in_review', '[]', now() FROM sku WHERE id = :id",
        id=skus[0],
    )
    module = ScriptDirectory.from_config(database.alembic_config()).get_revision("0039").module
    with (
        world.app.app_context(),
        db.engine.begin() as connection,
        Operations.context(MigrationContext.configure(connection)),
    ):
        module._plain_codes()
        module._plain_barcodes()
    found = {row.id: row for row in select_rows(world, "SELECT id, code, barcode FROM sku")}
    after = [found[sku].code for sku in skus]
    assert after == ["AB-12", "Ｃ１", "C1", "Ｄ\u200b１", "D１"]
    assert [found[sku].barcode for sku in skus] == ["AB-12", "C1", "C1", "D1", "D1"]
    told = [each.getMessage() for each in caplog.records if "stays" in each.getMessage()]
    assert [any(str(sku) in line for line in told) for sku in skus] == [
        False,
        True,
        False,
        True,
        True,
    ]
    [row] = select_rows(world, "SELECT content FROM product_revision WHERE number = 99")
    assert row.content["skus"] == [{"code": "x"}, {"code": "AB-12", "price_fen": 7}]


def test_numbers_that_were_stored_in_full_width_are_plain_afterwards_but_where_one_is_taken(
    world, union, caplog
):
    """Employee numbers within a roster, product codes within a supplier."""
    rows = union.people(5)
    union.roster(rows)
    entries = [
        row.id for row in select_rows(world, "SELECT id FROM roster_entry ORDER BY position")
    ]
    supplier_id = new_supplier(world)
    products = [new_sku(world, 1000, 5, supplier_id)[0] for _ in range(5)]
    numbers = ("００１２７", "Ｃ１", "C1", "Ｄ\u200b１", "D１")
    for table, column, ids in (
        ("roster_entry", "employee_no", entries),
        ("product", "source_id", products),
    ):
        for row_id, number in zip(ids, numbers, strict=True):
            execute_sql(
                world,
                f"UPDATE {table} SET {column} = :number WHERE id = :id",
                number=number,
                id=row_id,
            )
    module = ScriptDirectory.from_config(database.alembic_config()).get_revision("0043").module
    with (
        world.app.app_context(),
        db.engine.begin() as connection,
        Operations.context(MigrationContext.configure(connection)),
    ):
        module.upgrade()
    plain = ["00127", "Ｃ１", "C1", "Ｄ\u200b１", "D１"]
    kept = {
        row.id: row.employee_no
        for row in select_rows(world, "SELECT id, employee_no FROM roster_entry")
    }
    assert [kept[each] for each in entries] == plain
    kept = {
        row.id: row.source_id for row in select_rows(world, "SELECT id, source_id FROM product")
    }
    assert [kept[each] for each in products] == plain
    told = [each.getMessage() for each in caplog.records if "stays" in each.getMessage()]
    assert len(told) == 6
