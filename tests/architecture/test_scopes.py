"""Who asks is part of the question: whoever reads an owned object says for whom (docs/architecture.md)."""

import ast

from tests.architecture.test_budgets import FILES, functions, name, role

# A scope of none is the platform's own: it is somebody, and has to be said.
OWNERS = {"member_id", "supplier_id", "union_id", "store_id"}
# Lists of everybody's, for operators, take their owner as a filter among others.
LISTS = ("list", "notices", "page")


def returns_one(function):
    """Tell whether a function returns one object, by what it says that it returns."""
    told = "" if function.returns is None else ast.unparse(function.returns)
    return bool(told) and told[0].isupper() and "[" not in told and "None" not in told


def may_be_left_out(function):
    """Return the owners that a caller may leave out, or give as none."""
    arguments = function.args.args
    optional = {each.arg for each in arguments[len(arguments) - len(function.args.defaults) :]}
    return [
        each
        for each in arguments
        if (each.arg in OWNERS and each.annotation and "None" in ast.unparse(each.annotation))
        or (each.arg == "scope_id" and each.arg in optional)
    ]


def test_no_owned_object_is_read_without_saying_for_whom():
    forgetful = [
        f"{name(path)}:{function.name}({each.arg})"
        for path in FILES
        if role(path) in ("queries", "service", "statements")
        for function in functions(path)
        if returns_one(function) and not function.name.startswith(LISTS)
        for each in may_be_left_out(function)
    ]
    assert forgetful == []
