"""What opens or makes workbooks, papers, archives and pictures runs in a child (docs/adr/0027)."""

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("mall", "catalog", "orders", "fulfillment", "search_index")
LIBRARIES = {"openpyxl", "xlsxwriter", "fpdf", "PIL", "zipfile", "tarfile", "csv"}
# Where a child does its work, and what only it may import.
IN_CHILD = {
    "mall.kernel.sheets.parsing",
    "mall.kernel.sheets.markup",
    "mall.kernel.paper.pdf",
    "mall.kernel.paper.workbook",
    "catalog.media.child.decoding",
    "catalog.media.child.unpacking",
    "mall.kernel.sheets.annotating",
}
# These too, for a reason.
ALSO = {
    # Its `xlsx` is a child's; `new_book` makes the template, a few hundred cells.
    "mall.kernel.sheets.writing": {"csv", "xlsxwriter"},
    "catalog.uploads.papers": {"mall.kernel.sheets.writing"},
    # The regions that come with the service.
    "mall.members.service.members": {"csv"},
}
ONLY_THERE = IN_CHILD | {"mall.kernel.sheets.writing"}


def imported(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{each.name}" for each in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("import_module", "late"):
            yield str(getattr(node.args[0], "value", ""))


def modules():
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            yield name, path


def test_only_a_child_opens_or_makes_such_files():
    wrong = {
        (name, what)
        for name, path in modules()
        if name not in IN_CHILD
        for what in imported(path)
        if (what.partition(".")[0] in LIBRARIES or what in ONLY_THERE)
        and what not in ALSO.get(name, ())
    }
    assert wrong == set()
