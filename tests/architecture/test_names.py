"""One name for one module: what a reader has learnt in one place holds in all others."""

import ast
import re
from collections import defaultdict
from pathlib import Path

from tests.architecture.test_budgets import ROLES

ROOT = Path(__file__).parents[2]
FOLDERS = (
    *("mall", "catalog", "orders", "fulfillment", "search_index"),
    *("devtools", "mocks", "bench", "tests"),
)
# What knows no business, and what only starts it, has no roles; nor has what plays somebody else.
TECHNIQUE = ("mall.kernel.", "mall.web.", "mall.shell.", "devtools.", "mocks.", "bench.", "tests.")
NESTED = ("mall.access.staff", "mall.members.rosters", "search_index.words")
SINGULAR = {
    "search_index": "search",
    "words": "word",
    "approvals": "approval",
    "carts": "cart",
    "entitlements": "entitlement",
    "members": "member",
    "outbox_admin": "outbox",
    "packs": "pack",
    "payments": "payment",
    "products": "product",
    "programmes": "programme",
    "refunds": "refund",
    "reports": "report",
    "rosters": "roster",
    "selections": "selection",
    "shipments": "shipment",
    "stores": "store",
    "suppliers": "supplier",
    "uploads": "upload",
    "vouchers": "voucher",
}


def is_module(dotted):
    path = ROOT / dotted.replace(".", "/")
    return path.with_suffix(".py").exists() or (path / "__init__.py").exists()


def feature_of(module):
    """Return the feature that a module is of; two are inside others."""
    inner = [each for each in NESTED if module.startswith(f"{each}.")]
    if inner or module.startswith("search_index."):
        return inner[0] if inner else "search_index"
    return ".".join(module.split(".")[:2])


def wanted(module, importer):
    """Return the name that a feature's module is called by; None where any one name will do."""
    package, _, last = module.rpartition(".")
    feature = package.rpartition(".")[2]
    is_technique = module.startswith(TECHNIQUE)
    if last not in ROLES or is_technique:
        return None
    if feature_of(importer) == package:
        return last
    return f"{SINGULAR.get(feature, feature)}_{last}"


def imports():
    """Yield who imports which module by which name."""
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            importer = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ImportFrom) and node.module:
                    for each in node.names:
                        module = f"{node.module}.{each.name}"
                        if is_module(module):
                            yield importer, module, each.asname or each.name


def test_a_features_module_is_called_by_its_feature_and_role():
    wrong = [
        f"{importer}: {module} as {name}"
        for importer, module, name in imports()
        if wanted(module, importer) not in (None, name)
    ]
    assert wrong == []


def test_any_other_module_has_one_name_everywhere():
    names = defaultdict(set)
    for importer, module, name in imports():
        if wanted(module, importer) is None:
            names[module].add(name)
    assert {module: found for module, found in names.items() if len(found) > 1} == {}


def test_the_places_that_contributing_names_are_there():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = re.findall(r"`([\w/]+\.py)(?::(\d+))?`\s+\(`(\w+)`\)", text)
    assert len(named) > 8
    for path, line, name in named:
        lines = (ROOT / path).read_text(encoding="utf-8").splitlines()
        assert name in (lines[int(line) - 1] if line else "\n".join(lines)), (path, line, name)
