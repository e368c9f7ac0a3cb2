"""What must always be true of authors, decisions and acts on value."""

from mall.kernel.invariants import Invariant, Whole

_STAFF = "what staff makes and decides does not grow with orders"
_SAME = """(a.account_id = d.account_id OR a.member_id = d.member_id OR a.phone = d.phone)"""

INVARIANTS = [
    Invariant(
        "decided_by_others",
        "nobody decided about what the same person, by whatever account, had made before",
        Whole(
            _STAFF,
            f"""
            SELECT d.subject_kind, d.subject_id, d.name, a.name FROM decision d
            JOIN author a ON a.subject_kind = d.subject_kind AND a.subject_id = d.subject_id
            WHERE a.id < d.id AND {_SAME}
            """,
        ),
    ),
    Invariant(
        "value_moved_by_two",
        "what is beyond one person's limit was confirmed by another, and the rest was within it",
        Whole(
            _STAFF,
            """
            SELECT v.id, v.kind, v.state, v.amount_fen, v.proposed_by, v.decided_by
            FROM value_act v
            WHERE v.state = 'alone' AND (v.limit_fen IS NULL OR v.amount_fen > v.limit_fen)
               OR v.state = 'confirmed' AND NOT (
                    v.decided_by <> v.proposed_by
                    AND EXISTS (SELECT FROM author a WHERE a.subject_kind = 'value'
                                AND a.subject_id = v.id AND a.name = v.proposed_by)
                    AND EXISTS (SELECT FROM decision d WHERE d.subject_kind = 'value'
                                AND d.subject_id = v.id AND d.name = v.decided_by))
            """,
        ),
    ),
    Invariant(
        "alone_within_limit",
        "what each person did alone on a day is counted, and was within the limit",
        Whole(
            _STAFF,
            """
            SELECT coalesce(s.person, v.person), coalesce(s.day, v.day), s.sum_fen, v.sum_fen
            FROM (SELECT * FROM alone_sum WHERE person LIKE 'account:%') s
            FULL JOIN (SELECT 'account:' || proposer_id AS person, day,
                              sum(amount_fen) AS sum_fen
                       FROM value_act WHERE state = 'alone' AND proposer_id IS NOT NULL
                       GROUP BY 1, 2) v ON v.person = s.person AND v.day = s.day
            WHERE s.sum_fen IS DISTINCT FROM v.sum_fen
            UNION ALL
            SELECT person, day, sum_fen, limit_fen FROM alone_sum WHERE sum_fen > limit_fen
            """,
        ),
    ),
]
