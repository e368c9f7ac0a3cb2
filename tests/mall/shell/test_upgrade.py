"""The code of a release works on the schema of the next one, and a migration stalls nobody."""

import json
import os
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import create_engine, text

from catalog.uploads.process import importing
from devtools import engines
from mall.kernel import outbox
from mall.kernel.db import AutocommitPool, Base
from mall.kernel.outbox import registry
from mall.shell import database
from mall.shell.app import create_app
from mall.shell.checks import readiness
from mall.shell.config import load
from mall.shell.migrations import steps
from tests.conftest import TEMPLATE
from tests.support.database import count_rows, execute_sql, findings_of, select_rows
from tests.support.giving import Union
from tests.support.people import Person, World, new_member, order_body
from tests.support.processes import wait_until
from tests.support.shop import new_sku
from tests.support.working import run_outbox


@pytest.fixture
def next_database(database_url, process_name):
    """A database of its own, at this release's schema."""
    name = f"{process_name}_next"
    folder = Path(os.environ["MALL_TEST_DIRECTORY"]) / "postgres"
    yield engines.ensure_database(engines.start_postgres(folder), name, TEMPLATE)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def next_world(world, environment, next_database, mock_base):
    """This release's service on that database; whatever is written there is written by it."""
    app = create_app(load(environment | {"DATABASE_URL": next_database}))
    yield World(app, mock_base)
    with app.app_context():
        app.extensions["mall_pool"].close()
        app.extensions["sqlalchemy"].engine.dispose()
    outbox.set_doorbell(world.app.extensions["test_doorbell"])


def test_this_release_sells_on_a_schema_with_columns_that_it_does_not_know(
    next_world, next_database
):
    """The next release may add them to any table, with a default or without."""
    with psycopg.connect(next_database, autocommit=True) as connection:
        for name in Base.metadata.tables:
            connection.execute(
                f"ALTER TABLE {name} ADD COLUMN later_needed bigint NOT NULL DEFAULT 7,"
                " ADD COLUMN later_wanted text"
            )
    world = next_world
    union = Union(world)
    roster = union.roster(union.people(3))
    assert union.handler.get(f"/v1/union/rosters/{roster}").get_json()["entry_count"] == 3
    line = {"source_id": "1", "title": "良姜", "category": ["饮食"], "list_price_fen": 2000}
    skus = [{"options": [], "price_fen": 1500, "stock": 3}]
    with world.app.app_context():
        done = importing.import_lines([json.dumps({**line, "skus": skus})], "商家", lambda: None)
    assert done.counts == {"created": 1}
    member, sku = new_member(world, beans_fen=3000), new_sku(world, 1000)[1]
    for tender in ("beans", "mixed", "wechat"):
        placed = member.post("/v1/store/orders", order_body([sku], tender, 1000))
        assert placed.status_code == 201, placed.get_json()
    run_outbox(world)
    assert count_rows(world, "fulfillment_line") == 2
    for table in ("shop_order", "order_line", "product", "stock_level", "roster_row"):
        found = select_rows(world, f"SELECT DISTINCT later_needed, later_wanted FROM {table}")
        assert [tuple(row) for row in found] in ([(7, None)], [])
    assert Person(world.app).get("/readyz").status_code == 200
    assert findings_of(world) == {}


PLANTED = """
from alembic import op
revision, down_revision = "9001", "{head}"
def upgrade():
    op.execute("ALTER TABLE shop_order ADD COLUMN later bigint")
def downgrade():
    op.execute("ALTER TABLE shop_order DROP COLUMN later")
"""


@pytest.fixture
def planted(tmp_path, monkeypatch):
    """A next migration, of a table that everybody needs; it is tried again soon."""
    folder = tmp_path / "migrations"
    shutil.copytree(readiness.MIGRATIONS, folder)
    text = PLANTED.format(head=readiness.HEAD)
    (folder / "versions" / "9001_planted.py").write_text(text, encoding="utf-8")
    monkeypatch.setattr(database, "MIGRATIONS", folder)
    monkeypatch.setattr(database, "LOCK_TIMEOUT", "100ms")
    monkeypatch.setattr(database, "PAUSE_SECONDS", 0.2)


def test_a_migration_behind_a_report_stalls_nobody_and_is_done_once_that_ends(
    planted, next_database
):
    settings = load({"DATABASE_URL": next_database, "REDIS_URL": "redis://unused"})
    told, slowest = [], 0.0
    with (
        ThreadPoolExecutor(1) as pool,
        psycopg.connect(next_database) as report,
        psycopg.connect(next_database, autocommit=True) as shop,
    ):
        report.execute("SELECT count(*) FROM shop_order")
        migrating = pool.submit(database.migrate, settings, told.append)
        wait_until(lambda: told)
        for _ in range(30):
            began = time.monotonic()
            shop.execute("SELECT count(*) FROM shop_order")
            slowest = max(slowest, time.monotonic() - began)
            time.sleep(0.02)
        assert not migrating.done()
        report.rollback()
        assert migrating.result(30) == (readiness.HEAD, "9001")
        assert shop.execute("SELECT later FROM shop_order").fetchall() == []
    # Behind the migration's own wait, and never behind the report's.
    assert slowest < 0.6
    assert told == ["a table is in use by a long transaction; trying again every second"]


def test_the_steps_of_migrations_may_be_run_again(next_database):
    def upgrade():
        steps.build_index("ix_later", "shop_order (placed_at) WHERE state = 'paid'")
        steps.add_constraint("shop_order", "ck_later", "CHECK (total_fen >= 0)")
        steps.set_not_null("shop_order", "member_id")
        steps.serves_from("0050")

    engine = create_engine(next_database.replace("postgresql://", "postgresql+psycopg://"))
    with engine.connect() as connection:
        context = MigrationContext.configure(connection)
        with Operations.context(context):
            for _ in range(2):
                with context.begin_transaction():
                    upgrade()
        limits = connection.scalar(text("SHOW lock_timeout"))
        valid = text("SELECT convalidated FROM pg_constraint WHERE conname = 'ck_later'")
        assert (limits, connection.scalar(valid)) == ("800ms", True)
    engine.dispose()
    pool = AutocommitPool(next_database)
    state = readiness.look(pool)["schema"]
    pool.close()
    head = readiness.HEAD
    assert state == f"failed: at {head}, which serves releases from 0050 on; this is {head}"


def test_what_a_newer_release_announced_waits_for_a_worker_that_knows_it(world, monkeypatch):
    member = new_member(world, beans_fen=1000)
    member.post("/v1/store/orders", order_body([new_sku(world, 1000)[1]], "beans", 1000))
    unknown = (
        ("OrderEaten", {}, "fulfillment.later.eat"),
        ("OrderPaid", {}, "fulfillment.later.eat"),
        ("OrderPaid", {"later": 1}, registry.reactions_to("OrderPaid")[0].name),
    )
    for topic, more, handler in unknown:
        execute_sql(
            world,
            "INSERT INTO outbox_delivery (id, topic, payload, handler, queue, state, attempts,"
            " created_at, due_at) SELECT gen_random_uuid(), :topic, payload || CAST(:more AS jsonb),"
            " :handler, queue, state, 0, now(), now() FROM outbox_delivery ORDER BY id LIMIT 1",
            topic=topic,
            more=json.dumps(more),
            handler=handler,
        )
    run_outbox(world)
    rows = select_rows(
        world, "SELECT state, attempts, count(*) AS n FROM outbox_delivery GROUP BY 1, 2"
    )
    assert {(row.state, row.attempts): row.n for row in rows} == {("done", 0): 1, ("pending", 0): 3}
    # What nobody knows after an hour is a fault, and counted as one.
    execute_sql(world, "UPDATE outbox_delivery SET created_at = now() - interval '2 hours'")
    run_outbox(world)
    rows = select_rows(world, "SELECT attempts FROM outbox_delivery WHERE state = 'pending'")
    assert [row.attempts for row in rows] == [1, 1, 1]
    execute_sql(world, "DELETE FROM outbox_delivery WHERE state = 'pending'")
