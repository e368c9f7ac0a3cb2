"""A table belongs to one feature: SQL names its own tables and those below, and writes only its own."""

import ast
import configparser
import re
from pathlib import Path

import pytest

from mall.kernel.db import Base
from mall.shell import wiring  # noqa: F401  (maps every model)

ROOT = Path(__file__).parents[2]
PACKAGES = ("mall", "catalog", "orders", "fulfillment", "search_index")
SQL = re.compile(r"\b(SELECT|INSERT|UPDATE|DELETE|WITH|FROM|JOIN|EXISTS)\b")
WRITES = r"(?:INSERT\s+INTO|UPDATE(?:\s+ONLY)?|DELETE\s+FROM|TRUNCATE)\s+{}\b"
# After its keyword, or with an alias in a list; a column may have the name of a table.
READS = r"(?:(?:FROM|JOIN|INTO|UPDATE|USING|ONLY)\s+|,\s*(?={0}\s+[a-z]\w*\b)){0}\b"


def layers():
    """Return each feature's height: what is higher may read what is lower."""
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")

    def of(name):
        lines = config[f"importlinter:contract:{name}"]["layers"].strip().splitlines()
        return [[part.strip("() ") for part in re.split(r"[|:]", line)] for line in lines]

    heights, height = {}, 0
    for line in reversed(of("stack")):
        inner = [each for each in line if each in ("catalog", "orders", "fulfillment")]
        for package in inner:
            for part in reversed(of(package)):
                height += 1
                heights |= {f"{package}.{each}": height for each in part}
        height += 1
        heights |= dict.fromkeys(line, height)
    return heights


HEIGHTS = layers()


def feature(module):
    """Return the feature that a module is of, for example `orders.refunds`."""
    parts = module.split(".")
    for length in (3, 2, 1):
        name = ".".join(parts[:length])
        if name in HEIGHTS:
            return name
    raise LookupError(module)


OWNERS = {
    mapper.local_table.name: feature(mapper.class_.__module__) for mapper in Base.registry.mappers
}


def is_invariant(node, parents):
    """Tell whether a text is what an invariant looks for: that may look anywhere."""
    while node in parents:
        node = parents[node]
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("Invariant"):
            return True
    return False


def texts(path):
    """Return every SQL text of a module with its line, invariants' left out."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    docs = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Module, ast.FunctionDef, ast.ClassDef))
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in docs
            and SQL.search(node.value)
            and not is_invariant(node, parents)
        ):
            yield node.lineno, re.sub(r"--[^\n]*|'[^']*'", " ", node.value)


def breaches(module, line, sql):
    """Return what a text may not name."""
    own = feature(module)
    for table, owner in OWNERS.items():
        if owner == own or not re.search(READS.format(table), sql):
            continue
        if re.search(WRITES.format(table), sql, re.IGNORECASE):
            yield f"{module}:{line} writes {table} of {owner}"
        elif HEIGHTS[owner] >= HEIGHTS[own]:
            yield f"{module}:{line} reads {table} of {owner}, which is not below"


CLASSES = {mapper.class_.__name__: mapper.local_table.name for mapper in Base.registry.mappers}


def written(path):
    """Return the mapped classes that a module makes, inserts, updates or deletes, with the line."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if called in CLASSES:
                yield node.lineno, called
            elif called in ("insert", "update", "delete") and node.args:
                name = ast.unparse(node.args[0])
                if name in CLASSES:
                    yield node.lineno, name


def test_rows_are_made_and_changed_by_the_feature_that_has_their_table():
    found = [
        f"{name}:{line} writes {what} of {OWNERS[CLASSES[what]]}"
        for name, path in modules()
        for line, what in written(path)
        if OWNERS[CLASSES[what]] != feature(name)
    ]
    assert found == []


def modules():
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            if not name.startswith(("mall.shell", "mall.kernel")):
                yield name, path


def test_sql_names_only_its_own_tables_and_those_below():
    found = [
        breach
        for name, path in modules()
        for line, sql in texts(path)
        for breach in breaches(name, line, sql)
    ]
    assert found == []


@pytest.mark.parametrize(
    ("module", "sql", "says"),
    [
        ("catalog.products.queries", "SELECT 1 FROM entitlement", "reads entitlement"),
        ("orders.collective.service", "UPDATE entitlement SET state = 'x'", "writes entitlement"),
        ("orders.order.service", "DELETE FROM stock_level", "writes stock_level"),
    ],
)
def test_a_planted_breach_is_found(module, sql, says):
    [breach] = breaches(module, 1, sql)
    assert says in breach
