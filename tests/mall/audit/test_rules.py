"""How much is looked at on a day, when a mark counts for nothing, what is said of it."""

from datetime import UTC, datetime, timedelta

import pytest

from mall.audit import rules as audit_rules
from mall.audit.rules import MOST_AGE, Looked, Pace

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("left", "days", "expected"),
    [
        (700, 7.0, 100),
        (701, 7.0, 101),
        (700, 6.99, 100),
        (700, 1.49, 700),
        (700, 0.01, 700),
        (700, -3.0, 700),
        (30, 7.0, 40),
        (0, 7.0, 40),
    ],
)
def test_what_is_left_is_shared_out_over_the_days_left(left, days, expected):
    due_at = NOW + timedelta(days=days)
    assert audit_rules.share_of_day(left, due_at, NOW, Pace(piece=40)) == expected


@pytest.mark.parametrize(
    ("cluster", "horizon", "is_usable"),
    [
        ("1/5", 1_000, True),
        ("1/5", 2_000, True),
        ("1/5", 2_001, False),
        ("2/5", 1_000, False),
        ("1/5", 2_000 - MOST_AGE, False),
        ("1/5", 2_001 - MOST_AGE, True),
    ],
)
def test_a_mark_counts_only_where_transactions_can_be_told_apart(cluster, horizon, is_usable):
    assert audit_rules.is_usable(cluster, horizon, "1/5", 2_000) is is_usable


def test_keys_come_in_batches():
    assert list(audit_rules.batches(["a", "b", "c"], 2)) == [["a", "b"], ["c"]]
    assert list(audit_rules.batches([], 2)) == []


def test_it_says_what_it_looked_at_and_what_not():
    looked = Looked(
        since=NOW,
        changed={"order": 1_204, "member": 0},
        today={"order": 150, "bill_day": 3},
        reached={"order": 300, "bill_day": 3},
        total={"order": 1_000_000, "bill_day": 3},
        due_at=NOW + timedelta(days=5),
    )
    assert audit_rules.told(looked) == [
        "looked at what changed since 2026-11-27 20:00 in Beijing: orders: 1,204",
        "looked at a share of everything else: orders: 150 today, 300 of 1,000,000",
        "not looked at: the rest of these, which follows until 2026-12-02 20:00 in Beijing;"
        " --full looks at all",
    ]


def test_it_says_why_it_looked_at_everything():
    looked = Looked(today={"order": 5}, total={"order": 5}, reasons=["x"], suspects=2)
    assert audit_rules.told(looked) == [
        "looked again at 2 lots of things that had breaches",
        "x: everything is looked at",
        "looked at everything else, too",
    ]
