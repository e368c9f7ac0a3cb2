"""One word for one thing: what the glossary names is there, and what it has retired is gone."""

import ast
import io
import re
import tokenize
from pathlib import Path

from mall.kernel.outbox import registry
from tests.architecture.test_names import SINGULAR, is_module

ROOT = Path(__file__).parents[2]
PACKAGES = ("mall", "catalog", "orders", "fulfillment", "search_index")
GLOSSARY = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
# What holds value or decides who gets it, and what runs at once with itself.
VALUE = (
    *("mall/ledger", "mall/approvals", "mall/access", "catalog/stock"),
    *("orders/checkout", "orders/order", "orders/payments", "orders/refunds"),
    *("orders/entitlements", "orders/redeeming", "orders/collective"),
    *("fulfillment/dispatch", "fulfillment/vouchers", "fulfillment/settlement"),
)
CONCURRENT = (
    *("mall/kernel/uow.py", "mall/kernel/outbox.py", "mall/kernel/together.py"),
    *("mall/kernel/sandbox", "mall/shell/serving", "mall/shell/background"),
    "mall/web/idempotency.py",
)
DECIDING = {"rules", "models", "statements", "service", "process", "jobs"}
# Where a word is retired: what it is called now stands in the glossary.
RETIRED = {
    "part": ("fulfillment/",),
    "right": ("orders/", "fulfillment/", "mall/ledger/"),
    "wish": ("fulfillment/dispatch/", "fulfillment/stores/"),
    "desk": ("fulfillment/",),
}
# A part of a long paper is one.
PAPERS = "fulfillment/reports/"
# The wire keeps its names: a reply's, and that of an operation.
WIRE = {"VoucherReply", "check_voucher"}


def modules():
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            if "/migrations/" not in name:
                yield name, path.read_text(encoding="utf-8")


def definitions(kinds):
    for name, source in modules():
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, kinds):
                yield name, node.name


def named(column):
    """Return what stands in backticks in one column of the glossary's tables of six."""
    rows = [line.split("|")[1:-1] for line in GLOSSARY.splitlines() if line.startswith("|")]
    return {word for row in rows if len(row) == 6 for word in re.findall(r"`(\w+)`", row[column])}


def test_each_table_that_the_glossary_names_is_one():
    text = "\n".join(source for _, source in modules())
    tables = set(re.findall(r'__tablename__ = "(\w+)"', text))
    assert len(named(2)) > 40
    assert named(2) - tables == set()


def test_each_class_that_the_glossary_names_is_one():
    classes = {name for _, name in definitions(ast.ClassDef)}
    assert len(named(3)) > 50
    assert named(3) - classes == set()


def test_each_message_stands_in_the_glossary(world):
    assert named(4) == registry.topics


def test_each_way_back_that_the_glossary_names_is_a_function():
    functions = {
        (name.removesuffix(".py").split("/")[-1], name.split("/")[-2], function)
        for name, function in definitions(ast.FunctionDef)
    }
    roles = {(SINGULAR.get(f, f) + f"_{module}", g) for module, f, g in functions}
    known = roles | {(module, function) for module, _, function in functions}
    found = set(re.findall(r"`(\w+)\.(\w+)`", GLOSSARY))
    assert len(found) > 15
    assert found - known == set()
    assert is_module("mall.ledger.service.wallet")


def test_a_retired_word_names_nothing():
    wrong = []
    for name, source in modules():
        retired = {word for word, where in RETIRED.items() if name.startswith(where)}
        if retired and not name.startswith(PAPERS):
            for token in tokenize.generate_tokens(io.StringIO(source).readline):
                if token.type == tokenize.NAME and token.string.rstrip("s") in retired:
                    wrong.append(f"{name}:{token.start[0]} {token.string}")
    assert wrong == []


def test_of_orders_only_those_who_collect_have_vouchers():
    wrong = [
        f"{name}: {defined}"
        for name, defined in definitions((ast.ClassDef, ast.FunctionDef))
        if name.startswith("orders/") and "voucher" in defined.lower() and defined not in WIRE
    ]
    assert wrong == []


def test_what_holds_value_or_runs_at_once_explains_what_is_surprising():
    comments = lines = 0
    for name, source in modules():
        decides = name.startswith(VALUE) and DECIDING & set(name.removesuffix(".py").split("/"))
        if decides or name.startswith(CONCURRENT):
            lines += source.count("\n")
            tokens = tokenize.generate_tokens(io.StringIO(source).readline)
            comments += sum(token.type == tokenize.COMMENT for token in tokens)
    assert lines > 10_000
    assert comments / lines >= 0.025
