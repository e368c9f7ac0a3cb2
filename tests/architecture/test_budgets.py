"""Size budgets and house rules that a machine can check (docs/architecture.md)."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("mall", "catalog", "orders", "fulfillment", "search_index", "devtools", "mocks")
FILES = [
    path
    for package in PACKAGES
    for path in sorted((ROOT / package).rglob("*.py"))
    if "versions" not in path.parts
]
FORBIDDEN = {"utils", "helpers", "common", "misc", "manager", "info", "data", "actions"}


# Outside features the file is the role: kernel, web, shell and what is only for development.
ROLES = {
    *("rules", "models", "queries", "statements", "service", "process", "gateway", "schemas"),
    *(
        "views",
        "union_views",
        "supplier_views",
        "clerk_views",
        "ops_views",
        "jobs",
        "papers",
    ),
}


def role(path):
    """Return what a module is for: its name, or that of the folder a role has outgrown into."""
    inside = [part for part in path.relative_to(ROOT).parts[:-1] if part in ROLES]
    return inside[-1] if inside else path.stem


def tree(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def functions(path):
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return [node for node in ast.walk(tree(path)) if isinstance(node, kinds)]


def name(path):
    return str(path.relative_to(ROOT))


def test_no_function_is_longer_than_sixty_lines():
    long = [
        f"{name(path)}:{node.name}"
        for path in FILES
        for node in functions(path)
        if node.end_lineno - node.lineno + 1 > 60
    ]
    assert long == []


def test_no_file_is_longer_than_four_hundred_lines():
    long = [
        name(path) for path in FILES if len(path.read_text(encoding="utf-8").splitlines()) > 400
    ]
    assert long == []


def test_no_folder_holds_more_than_fourteen_files():
    folders = {path.parent for path in FILES}
    full = [name(folder) for folder in folders if len(list(folder.glob("*.py"))) > 14]
    assert full == []


def test_no_package_but_mall_outgrows_the_others():
    """`mall` is floor and roof at once; of what lies between, no package holds too much."""
    others = {package: 0 for package in PACKAGES if package not in ("mall", "devtools", "mocks")}
    for path in FILES:
        package = path.relative_to(ROOT).parts[0]
        if package in others and path.name != "__init__.py":
            others[package] += 1
    total = sum(others.values())
    assert {package for package, count in others.items() if count > 0.5 * total} == set()


def test_a_use_case_takes_at_most_five_parameters():
    crowded = [
        f"{name(path)}:{node.name}"
        for path in FILES
        if role(path) in ("service", "process")
        for node in functions(path)
        if len(node.args.args) > 5
    ]
    assert crowded == []


def test_no_import_hides_inside_a_function():
    hidden = [
        f"{name(path)}:{node.lineno}"
        for path in FILES
        for function in functions(path)
        for node in ast.walk(function)
        if isinstance(node, (ast.Import, ast.ImportFrom))
    ]
    assert hidden == []


# The table of what is loaded late; a child's task, which a job names; the command, loaded at rest.
LOADERS = {"mall/kernel/loading.py", "mall/kernel/sandbox/nursery.py", "mall/shell/start.py"}


def test_no_import_hides_in_a_call():
    hidden = [
        f"{name(path)}:{node.lineno}"
        for path in FILES
        if name(path) not in LOADERS
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Name) and node.id in ("import_module", "__import__")
    ]
    assert hidden == []


@pytest.mark.parametrize("path", FILES, ids=name)
def test_every_module_says_what_it_is_for(path):
    source = path.read_text(encoding="utf-8")
    if path.name == "__init__.py":
        assert source == ""
    else:
        assert ast.get_docstring(ast.parse(source)), name(path)


def test_every_use_case_and_query_has_its_sentence():
    silent = [
        f"{name(path)}:{node.name}"
        for path in FILES
        if role(path) in ("service", "queries", "rules", "process", "statements", "papers")
        for node in tree(path).body
        if isinstance(node, ast.FunctionDef)
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
    ]
    assert silent == []


def test_no_module_has_a_name_that_says_nothing():
    assert [name(path) for path in FILES if path.stem in FORBIDDEN] == []


def is_path(node):
    """Tell whether a division is of a path: by a text."""
    return isinstance(node.right, ast.Constant) and isinstance(node.right.value, str)


def test_no_float_touches_money():
    floats = [
        f"{name(path)}:{node.lineno}"
        for path in FILES
        if role(path) in ("rules", "service", "money", "statements")
        if "search_index" not in path.parts  # scores are no money
        for node in ast.walk(tree(path))
        if (isinstance(node, ast.Constant) and isinstance(node.value, float))
        or (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and not is_path(node))
    ]
    assert floats == []


def test_services_never_commit_or_open_a_transaction():
    wrong = [
        f"{name(path)}:{node.lineno}"
        for path in FILES
        if role(path) in ("service", "queries", "rules", "statements", "papers", "schemas")
        for node in ast.walk(tree(path))
        if (isinstance(node, ast.Attribute) and node.attr in ("commit", "rollback"))
        or (isinstance(node, ast.Name) and node.id == "unit_of_work")
    ]
    assert wrong == []
