"""Every part of every invariant can be found from whatever row changes; nothing can be left out."""

import re

import pytest

from mall.kernel.db import Base
from mall.kernel.invariants import Each, Follow, Invariant, Trace, Whole, replaced
from mall.shell.wiring import BOOKS
from tests.support.database import select_rows

SUBJECTS = {each.name: each for each in BOOKS.subjects}
PARTS = [
    (invariant.name, part)
    for invariant in BOOKS.invariants
    for part in invariant.parts
    if isinstance(part, Each)
]
# Rows whose change need not be looked at from here, with the reason.
FOUND_ELSEWHERE = {
    ("entries_have_accounts", "bean_lot"): "a lot that is changed is held against its entries",
    ("fund_balance", "ledger_fund"): "a fund that is changed is held against its entries",
}


def named(sql):
    """Return the tables that SQL reads."""
    words = re.findall(r"\b(?:FROM|JOIN)\s+([a-z_]+)", sql)
    return set(words) & set(Base.metadata.tables)


def traced(subject):
    """Return the tables of which a changed row leads to things of this kind."""
    found = {
        each.table for each in BOOKS.traces if isinstance(each, Trace) and each.subject == subject
    }
    for each in BOOKS.traces:
        if isinstance(each, Follow) and each.subject == subject:
            found |= traced(each.after)
    return found


def untraced(name, part):
    missing = named(part.breaches) - traced(part.subject)
    return {table for table in missing if (name, table) not in FOUND_ELSEWHERE}


def test_whatever_a_part_reads_leads_to_it_when_it_changes():
    found = {(name, table) for name, part in PARTS for table in untraced(name, part)}
    assert found == set()


def test_a_table_that_nobody_traces_is_noticed():
    part = Each("order", "SELECT 1 FROM shop_order o JOIN supplier s ON true WHERE among(o.id)")
    assert untraced("planted", part) == {"supplier"}


def test_exceptions_are_of_invariants_that_exist():
    assert {name for name, _ in FOUND_ELSEWHERE} <= {each.name for each in BOOKS.invariants}


def test_every_part_says_of_what_it_speaks():
    with pytest.raises(ValueError, match="asks nothing"):
        Invariant("forgotten", "nothing is asked")
    for name, part in PARTS:
        assert part.subject in SUBJECTS, name
        assert "among(" in part.breaches, name
    reasons = [
        part.reason for each in BOOKS.invariants for part in each.parts if isinstance(part, Whole)
    ]
    assert all(reasons)


def test_every_total_is_kept_and_every_subject_has_its_column():
    asked = {
        name
        for invariant in BOOKS.invariants
        for part in invariant.parts
        for name in re.findall(r"\btotal\((\w+)\)", part.breaches)
    }
    assert asked == {each.name for each in BOOKS.sums}
    for subject in BOOKS.subjects:
        assert subject.column in Base.metadata.tables[subject.table].columns
    for each in BOOKS.sums:
        assert "among(" in each.rows and "written(" in each.rows
    assert {each.subject for each in BOOKS.traces} == set(SUBJECTS)


def test_a_key_is_found_by_an_index(world):
    """A piece begins where an index says; the first column of one is the subject's."""
    for subject in BOOKS.subjects:
        first = select_rows(
            world,
            "SELECT a.attname FROM pg_index i JOIN pg_attribute a"
            " ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]"
            " WHERE i.indrelid = CAST(:table AS regclass) AND i.indpred IS NULL",
            table=subject.table,
        )
        allowed = {row.attname for row in first}
        # The days of bills come after their merchants, of which there are few.
        assert subject.column in allowed or subject.name == "bill_day"


def test_a_macro_may_hold_brackets():
    found = replaced("a AND among(f(x, (y))) OR b", "among", lambda x: f"<{x}>")
    assert found == "a AND <f(x, (y))> OR b"
    assert replaced("camong(x)", "among", lambda _: "") == "camong(x)"
