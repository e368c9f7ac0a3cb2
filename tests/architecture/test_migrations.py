"""Migrations leave the shop open: read by squawk, and by rules of our own (docs/adr/0039)."""

import io
import re
import subprocess
import sys
from pathlib import Path

import pytest
from alembic import op
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory

from mall.shell import database
from mall.shell.migrations import steps

SQUAWK = str(Path(sys.executable).with_name("squawk"))
# The first release: what was migrated before met empty tables.
FIRST_RELEASE = "0045"
# Time-outs are set by `mall migrate`; what is text, number or repeatable is another test's.
NOT_OURS = (
    *("require-lock-timeout", "require-statement-timeout", "prefer-robust-stmts"),
    *("prefer-bigint-over-int", "ban-drop-constraint", "prefer-text-field", "transaction-nesting"),
)
# What a migration may do that says from which release on code can work with it.
CONTRACTING = ("ban-drop-column", "ban-drop-table")
ROWS = re.compile(r"^\s*(?:WITH\b.*?\b)?(UPDATE|DELETE)\b", re.IGNORECASE | re.DOTALL)


def sql_of(upgrade):
    """Return the SQL of a migration that is statements alone; others fail here."""
    out = io.StringIO()
    context = MigrationContext.configure(
        dialect_name="postgresql", opts={"as_sql": True, "output_buffer": out}
    )
    with Operations.context(context), context.begin_transaction():
        upgrade()
    return out.getvalue()


def problems_of(upgrade, folder):
    """Return what is wrong with a migration, by rule."""
    sql = sql_of(upgrade)
    file = folder / "migration.sql"
    file.write_text(sql, encoding="utf-8")
    excluded = NOT_OURS + (CONTRACTING if "serves from" in sql else ())
    command = [SQUAWK, "--reporter", "gcc", "--pg-version", "15"]
    done = subprocess.run(
        [*command, "--exclude", ",".join(excluded), str(file)],
        capture_output=True,
        text=True,
        timeout=30,
    )
    found = re.findall(r"warning: ([a-z-]+)", done.stdout)
    assert done.returncode == bool(found), done.stdout + done.stderr
    made = set(re.findall(r"CREATE TABLE (\w+)", sql))
    for statement in sql.split(";"):
        changed = re.search(r"\b(?:UPDATE|DELETE FROM)\s+(\w+)", statement)
        if ROWS.match(statement) and changed and changed[1] not in made:
            found.append("rows-changed")
    return sorted(set(found))


def migrations():
    scripts = ScriptDirectory.from_config(database.alembic_config()).walk_revisions()
    return [each for each in scripts if each.revision > FIRST_RELEASE]


def test_no_migration_stalls_or_breaks_a_shop_that_is_open(tmp_path):
    found = {each.revision: problems_of(each.module.upgrade, tmp_path) for each in migrations()}
    assert {revision: problems for revision, problems in found.items() if problems} == {}


def runs(*statements):
    return lambda: [op.execute(each) for each in statements]


PLANTED = {
    "ALTER TABLE shop_order ADD COLUMN later bigint NOT NULL": ["adding-required-field"],
    "ALTER TABLE shop_order DROP COLUMN note": ["ban-drop-column"],
    "ALTER TABLE shop_order RENAME COLUMN note TO remark": ["renaming-column"],
    "ALTER TABLE shop_order ALTER COLUMN total_fen TYPE numeric": ["changing-column-type"],
    "ALTER TABLE shop_order ALTER COLUMN note SET NOT NULL": ["adding-not-nullable-field"],
    "ALTER TABLE shop_order ADD CONSTRAINT ck_x CHECK (total_fen > 0)": [
        "constraint-missing-not-valid"
    ],
    "CREATE INDEX ix_x ON shop_order (note)": ["require-concurrent-index-creation"],
    "DROP TABLE shop_order": ["ban-drop-table"],
    "UPDATE shop_order SET note = ''": ["rows-changed"],
    "DELETE FROM shop_order WHERE note IS NULL": ["rows-changed"],
    "ALTER TABLE shop_order ADD COLUMN later bigint": [],
    "ALTER TABLE shop_order ADD COLUMN later bigint NOT NULL DEFAULT 0": [],
    "CREATE TABLE later (id uuid PRIMARY KEY, n bigint)": [],
}


@pytest.mark.parametrize("statement", PLANTED)
def test_what_would_stall_or_break_is_found_and_what_would_not_is_let_through(statement, tmp_path):
    assert problems_of(runs(statement), tmp_path) == PLANTED[statement]


def test_the_steps_that_take_more_than_a_statement_are_let_through(tmp_path):
    def upgrade():
        steps.build_index("ix_shop_order_note", "shop_order (note)")
        steps.add_constraint("shop_order", "ck_shop_order_later", "CHECK (total_fen >= 0)")
        steps.set_not_null("shop_order", "note")

    assert problems_of(upgrade, tmp_path) == []


def test_what_is_taken_away_is_let_through_where_older_code_is_told_to_leave(tmp_path):
    def upgrade():
        op.execute("ALTER TABLE shop_order DROP COLUMN note")
        steps.serves_from("0050")

    assert problems_of(upgrade, tmp_path) == []


def test_a_migration_that_reads_rows_is_refused(tmp_path):
    def upgrade():
        op.get_bind().execute("SELECT 1").all()

    with pytest.raises(AttributeError):
        problems_of(upgrade, tmp_path)


def test_every_insertion_names_its_columns():
    """One that does not gives an explicit NULL to a column that its release does not know."""
    unnamed = re.compile(r"INSERT INTO\s+[\w{}.]+(?:\s+AS\s+\w+)?+\s+(?!\()(\w+)", re.IGNORECASE)
    root = Path(__file__).parents[2]
    found = [
        f"{path.relative_to(root)}: {match[0]}"
        for package in ("mall", "catalog", "orders", "fulfillment", "search_index")
        for path in sorted((root / package).rglob("*.py"))
        if "versions" not in path.parts
        for match in unnamed.finditer(path.read_text(encoding="utf-8"))
    ]
    assert found == []
    # It would be found.
    assert unnamed.search("INSERT INTO product SELECT * FROM x")
    assert not unnamed.search("INSERT INTO product AS p (id) SELECT 1")
