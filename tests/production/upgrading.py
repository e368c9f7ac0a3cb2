"""A release is rolled out while members shop: this one, and one whose schema is ahead of it."""

import os
import time
from pathlib import Path

import psycopg
import requests

from mall.shell.checks import readiness
from tests.production.front import Front
from tests.production.ground import Ground, say, wait
from tests.production.installation import Installation
from tests.production.release import Release, build, copy_of_source, install
from tests.production.shopping import Shop, Shopping

# What the next release adds, each in a migration of its own: columns to every table that hot
# insertions write to, a table, an index, a constraint.
TABLES = (
    *("shop_order", "order_line", "order_event", "outbox_delivery", "ledger_transfer"),
    *("ledger_entry", "stock_movement", "fulfillment_order", "fulfillment_line"),
    *("idempotency_record", "payment", "access_token", "journal_line"),
)
MIGRATION = '''"""Of the next release."""
from alembic import op
from mall.shell.migrations import steps
revision, down_revision = "{revision}", "{before}"
def upgrade():
    {body}
'''
ADD = (
    'op.execute("ALTER TABLE {table} ADD COLUMN next_needed bigint NOT NULL DEFAULT 7,"'
    ' " ADD COLUMN next_wanted text")'
)
MORE = (
    'op.execute("CREATE TABLE next_thing (id uuid PRIMARY KEY, name text NOT NULL)")',
    'steps.build_index("ix_shop_order_next", "shop_order (next_wanted)")',
    'steps.add_constraint("shop_order", "ck_shop_order_next", "CHECK (next_needed > 0)")',
)
REPORT_SECONDS = 6


def next_release(folder: Path) -> Path:
    """Build and install the next release; return its programs."""
    source = copy_of_source(folder / "next-source")
    before = readiness.HEAD
    for number, body in enumerate([*(ADD.format(table=each) for each in TABLES), *MORE], start=1):
        revision = f"9{number:03}"
        text = MIGRATION.format(revision=revision, before=before, body=body)
        path = source / "mall" / "shell" / "migrations" / "versions" / f"{revision}_next.py"
        path.write_text(text, encoding="utf-8")
        before = revision
    return install(build(source, folder / "next-wheel"), folder / "next-venv")


def upgrade(ground: Ground, release: Release) -> None:
    """Upgrade under load: migrate behind a report, then every process in turn; 0 errors."""
    new_programs = next_release(release.folder)
    nodes = [Installation(ground, release.programs, f"mall-old-{n}") for n in (1, 2)]
    front = Front(ground, [each.port for each in nodes])
    for each in nodes:
        each.stand_behind(front)
    first = nodes[0]
    said = first.run("setup", "--operator", "operator", "--operator", "operator2", owner=True)
    for each in nodes:
        each.serve()
    background = nodes[0].start_background()
    for each in nodes:
        each.wait_ready()
    front.wait()
    os.environ["REQUESTS_CA_BUNDLE"] = str(front.bundle)
    try:
        operators = {name: first.operator(name, said) for name in ("operator", "operator2")}
        shop = Shop(front.base, ground.mock, first.story_environment(operators))
        members = shop.open(3)
        with Shopping(front.base, shop.known["sku"], members) as shopping:
            shopping.go_on(5)
            _migrate_behind_a_report(ground, new_programs, nodes)
            shopping.go_on(5)
            new_nodes = _roll(front, nodes, new_programs)
            for process in background:
                ground.end(process)
            new_nodes[0].start_background()
            shopping.go_on(5)
        _settle(ground, shopping, new_nodes[0])
    finally:
        del os.environ["REQUESTS_CA_BUNDLE"]


def _migrate_behind_a_report(ground: Ground, programs: Path, nodes: list[Installation]) -> None:
    """Migrate while a report reads the orders for some seconds; old nodes stay ready."""
    migrating = Installation(ground, programs, "mall-migrate")
    with psycopg.connect(ground.owner_url) as report:
        report.execute("SELECT count(*) FROM shop_order")
        began = time.monotonic()
        process = migrating.start("migrate", owner=True)
        while time.monotonic() - began < REPORT_SECONDS:
            time.sleep(0.2)
        assert process.poll() is None, "the migration did not wait for the report"
        report.rollback()
    wait("the migration", lambda: process.poll() is not None, 60)
    assert process.returncode == 0, ground.log("mall-migrate-migrate")
    say(
        f"  migrated in {time.monotonic() - began:.1f} s, {REPORT_SECONDS} s of them behind a report"
    )
    for each in nodes:
        told = requests.get(f"{each.base}/readyz", timeout=5).json()
        assert told["status"] == "ok" and "newer" in told["checks"]["schema"], told
    say(f"  old nodes: {told['checks']['schema']}")


def _roll(front: Front, nodes: list[Installation], programs: Path) -> list[Installation]:
    """Take each node out, stop it, start the new release in its place, put it back."""
    rolled = []
    for number, old in enumerate(nodes, start=1):
        others = [each.port for each in nodes if each is not old]
        front.use(others)
        time.sleep(1)
        old.stop_all()
        new = Installation(old.ground, programs, f"mall-new-{number}", port=old.port)
        new.stand_behind(front)
        new.serve()
        new.wait_ready()
        front.use([each.port for each in nodes])
        rolled.append(new)
        say(f"  node {number} runs the next release")
        time.sleep(2)
    return rolled


def _settle(ground: Ground, shopping: Shopping, node: Installation) -> None:
    say(
        f"  {shopping.count} requests, {len(shopping.orders)} orders, the slowest"
        f" {shopping.slowest:.1f} s, {sum(shopping.errors.values())} errors"
    )
    assert not shopping.errors, dict(shopping.errors)
    with psycopg.connect(ground.owner_url, autocommit=True) as connection:
        undone = "SELECT count(*) FROM outbox_delivery WHERE state <> 'done'"
        wait("all deliveries", lambda: connection.execute(undone).fetchone() == (0,), 60)
        parts = connection.execute(
            "SELECT count(DISTINCT order_id) FROM fulfillment_order WHERE order_id = ANY(%s)",
            [shopping.orders],
        ).fetchone()
    assert parts == (len(shopping.orders),), (parts, len(shopping.orders))
    say(f"  {node.run('audit').strip().splitlines()[-1]}")
