"""The SQL of audits: what changed, what is looked at, how far it came."""

import re
from collections.abc import Sequence

from sqlalchemy import text

from mall.kernel.invariants import Follow, Subject, Sum, Sums, Trace, narrowed, replaced

INSTANT = text(
    """
    SELECT CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS bigint) AS horizon,
           CAST(CAST(pg_snapshot_xmax(pg_current_snapshot()) AS text) AS bigint) AS upcoming,
           (SELECT system_identifier FROM pg_control_system()) || '/' ||
           (SELECT oid FROM pg_database WHERE datname = current_database()) AS cluster
    """
)
# Every question is planned for the keys that it has, and none is worth compiling.
PLAN = (
    "SET LOCAL plan_cache_mode = force_custom_plan",
    "SET LOCAL jit = off",
    "SET LOCAL work_mem = '64MB'",
)
AGE = text("SELECT age(CAST(CAST(CAST(:horizon AS text) AS xid8) AS xid))")
# Tables that refuse to change: see the trigger.
ONLY_GROW = text(
    """
    SELECT CAST(tgrelid AS regclass) AS name FROM pg_trigger
    WHERE tgname = 'append_only' ORDER BY 1
    """
)


def written(alias: str, window: str) -> str:
    """Return the condition that a row was written in a window of ages."""
    age = f"age({alias}.xmin)"
    return {
        # Since the mark; of these, before this audit's own horizon.
        "new": f"{age} BETWEEN 0 AND :since",
        "settled": f"({age} BETWEEN 0 AND :since AND {age} > :until)",
        # Before a horizon.
        "old": f"NOT ({age} BETWEEN 0 AND :since)",
    }[window]


def changed_keys(table: str, traces: Sequence[Trace]) -> str:
    """Return the query of what the changed rows of a table speak of, and how many there are."""
    found = " UNION ALL ".join(
        f"SELECT '{each.subject}' AS subject, CAST(k.key AS text) AS key"
        f" FROM ({each.keys}) k(key) WHERE k.key IS NOT NULL"
        for each in traces
    )
    return f"""
        WITH changed AS MATERIALIZED (
            SELECT * FROM {table} x WHERE {written("x", "new")} LIMIT :most)
        SELECT DISTINCT subject, key FROM ({found}) found
        UNION ALL SELECT '', CAST(count(*) AS text) FROM changed
    """


def followed_keys(keys: str, kind: str) -> str:
    """Return the query of what is to be looked at with things of another kind."""
    return f"""
        WITH changed AS MATERIALIZED (
            SELECT unnest(CAST(:keys AS {kind}[])) AS key)
        SELECT DISTINCT CAST(k.key AS text) FROM ({keys}) k(key) WHERE k.key IS NOT NULL
    """


def about_keys(sql: str, subject: Subject) -> str:
    """Return SQL about some things.

    Keys are a sub-select: it is planned for as many as there are, without looking at each.
    """

    def among(x: str) -> str:
        return f"{x} IN (SELECT unnest(CAST(:keys AS {subject.type}[])))"

    def named(prefix: str, x: str) -> str:
        return f"{x} IN (SELECT '{prefix}' || key FROM unnest(CAST(:keys AS text[])) key)"

    return narrowed(sql, among, named)


def of_sums(part: Sums, sums: Sequence[Sum]) -> str:
    """Return the question of a part about totals, as carried and as written since."""

    def total(name: str) -> str:
        [found] = [each for each in sums if each.name == name]
        rows = rows_written(found, "new")
        return f"""(SELECT key, sum(amount) AS amount FROM (
            SELECT key, carried AS amount FROM audit_sum WHERE name = '{name}'
            UNION ALL {rows}) known GROUP BY key)"""

    return replaced(part.breaches, "total", total)


def rows_written(found: Sum, window: str) -> str:
    """Return the rows of a total that were written in a window, of all things."""
    rows = replaced(found.rows, "among", lambda _: "true")
    return replaced(rows, "written", lambda x: written(x, window))


def by_key(rows: str) -> str:
    """Return the totals over rows."""
    return f"SELECT key, CAST(sum(amount) AS bigint) AS amount FROM ({rows}) rows GROUP BY key"


_PLAIN = re.compile(r"SELECT (\w+) FROM changed")


def places(subject: Subject, traces: Sequence[Trace | Follow]) -> list[tuple[str, str]]:
    """Return the columns that have a subject's keys, its own first: a key may lack its own row."""
    found = [(subject.table, subject.column)]
    for each in traces:
        plain = _PLAIN.fullmatch(each.keys) if isinstance(each, Trace) else None
        if plain and each.subject == subject.name and isinstance(each, Trace):
            found.append((each.table, plain.group(1)))
    return list(dict.fromkeys(found))


def _between(column: str, kind: str, low: str | None, high: str | None) -> str:
    sides = [f"{column} IS NOT NULL"]
    if low is not None:
        sides.append(f"{column} > CAST(:low AS {kind})")
    if high is not None:
        sides.append(f"{column} <= CAST(:high AS {kind})")
    return " AND ".join(sides)


def keys_between(
    subject: Subject, traces: Sequence[Trace | Follow], low: str | None, high: str | None
) -> str:
    """Return the query of all keys after `low` up to `high`; without them it is open there."""
    found = " UNION ".join(
        f"SELECT {column} AS key FROM {table} WHERE {_between(column, subject.type, low, high)}"
        for table, column in places(subject, traces)
    )
    return f"SELECT CAST(key AS text) FROM ({found}) found ORDER BY key"


def ends(low: str | None, high: str | None) -> dict[str, str]:
    """Return the parameters of a range."""
    return {name: key for name, key in (("low", low), ("high", high)) if key is not None}


def bound(subject: Subject, low: str | None) -> str:
    """Return the query of the last key of a piece."""
    return f"""
        SELECT CAST({subject.column} AS text) FROM {subject.table}
        WHERE {_between(subject.column, subject.type, low, None)}
        ORDER BY {subject.column} OFFSET :skipped LIMIT 1
    """


def count_of(subject: Subject, low: str | None) -> str:
    """Return the query of how many keys are left."""
    condition = _between(subject.column, subject.type, low, None)
    return f"SELECT count(*) FROM {subject.table} WHERE {condition}"


# Compare and set: only who has read what is still true moves on.
MOVE_MARK = text(
    """
    INSERT INTO audit_mark AS m (id, basis, horizon, taken_at)
    VALUES (1, :basis, :horizon, :now)
    ON CONFLICT (id) DO UPDATE
    SET basis = excluded.basis, horizon = excluded.horizon, taken_at = excluded.taken_at
    WHERE (m.basis, m.horizon) = (:old_basis, :old_horizon)
    """
)
CARRY = text(
    """
    INSERT INTO audit_sum AS s (name, key, carried, at_round, counted)
    SELECT :name, key, amount, 0, 0
    FROM unnest(CAST(:keys AS text[]), CAST(:amounts AS bigint[])) AS w(key, amount)
    ON CONFLICT (name, key) DO UPDATE SET carried = s.carried + excluded.carried
    """
)
COUNT_ROWS = text(
    """
    INSERT INTO audit_count AS c (table_name, rows)
    SELECT * FROM unnest(CAST(:names AS text[]), CAST(:counts AS bigint[]))
    ON CONFLICT (table_name) DO UPDATE SET rows = excluded.rows
    """
)
BEGIN_ROUND = text(
    """
    INSERT INTO audit_round AS r (subject, reached, is_over, horizon, started_at, due_at)
    VALUES (:subject, NULL, false, :horizon, :now, :due_at)
    ON CONFLICT (subject) DO UPDATE
    SET reached = NULL, is_over = false, horizon = excluded.horizon,
        started_at = excluded.started_at, due_at = excluded.due_at
    WHERE r.is_over OR :anew
    """
)
BEGIN_COUNTING = text(
    "UPDATE audit_sum SET at_round = carried, counted = 0 WHERE name = ANY(CAST(:names AS text[]))"
)
MOVE_ROUND = text(
    """
    UPDATE audit_round SET reached = :upto, is_over = :is_over
    WHERE subject = :subject AND reached IS NOT DISTINCT FROM CAST(:reached AS text)
      AND started_at = :started_at AND NOT is_over
    """
)
COUNTED = text(
    """
    INSERT INTO audit_sum AS s (name, key, carried, at_round, counted)
    SELECT :name, key, 0, 0, amount
    FROM unnest(CAST(:keys AS text[]), CAST(:amounts AS bigint[])) AS w(key, amount)
    ON CONFLICT (name, key) DO UPDATE SET counted = s.counted + excluded.counted
    """
)
MISCOUNTED = text(
    "SELECT count(*) FROM audit_sum WHERE name = ANY(CAST(:names AS text[]))"
    " AND at_round <> counted"
)
