"""What must always be true of the journal, and what a changed row of it speaks of."""

from mall.journal.queries import CANONICAL
from mall.kernel.invariants import Each, Invariant, Subject, Trace, Whole

SUBJECTS = [Subject("line", "uuid", "journal_line", "id")]
TRACES = [
    Trace("line", "journal_line", "SELECT id FROM changed"),
    Trace("line", "journal_pending", "SELECT line_id FROM changed"),
    Trace(
        "line",
        "journal_seal",
        """
        SELECT line_id FROM changed
        UNION ALL
        SELECT n.line_id FROM changed s JOIN journal_seal n ON n.position = s.position + 1
        """,
    ),
]
INVARIANTS = [
    Invariant(
        "journal_chain",
        "every seal is the hash of the one before it and of its line",
        Each(
            "line",
            f"""
            SELECT s.position FROM journal_seal s
            LEFT JOIN journal_line l ON l.id = s.line_id
            LEFT JOIN journal_seal p ON p.position = s.position - 1
            WHERE among(s.line_id) AND (l.id IS NULL OR (s.position > 1 AND p.position IS NULL)
               OR s.hash <> sha256(COALESCE(p.hash, '') || convert_to({CANONICAL}, 'UTF8')))
            """,
        ),
    ),
    Invariant(
        "journal_sealed",
        "every line of the journal is sealed, or waits for it less than an hour",
        Each(
            "line",
            """
            SELECT l.id FROM journal_line l
            LEFT JOIN journal_seal s ON s.line_id = l.id
            LEFT JOIN journal_pending w ON w.line_id = l.id
            WHERE among(l.id) AND s.line_id IS NULL
              AND (w.line_id IS NULL OR w.queued_at < now() - interval '1 hour')
            """,
        ),
    ),
    Invariant(
        "journal_complete",
        "every request of staff with an effect that is on record has its line",
        Whole(
            "what staff asks for is on record for a day, and found by the index of callers",
            """
            SELECT r.caller, r.endpoint FROM idempotency_record r
            WHERE (r.caller LIKE 'ops:%' OR r.caller LIKE 'union:%'
                   OR r.caller LIKE 'supplier:%' OR r.caller LIKE 'pickup:%')
              AND r.expires_at - interval '1 day' >= (SELECT min(at) FROM journal_line)
              AND NOT EXISTS (
                SELECT 1 FROM journal_line l WHERE l.request = r.endpoint
                AND l.actor_id = CAST(split_part(r.caller, ':', 2) AS uuid))
            UNION ALL
            SELECT CAST(c.decided_by_id AS text), CAST(c.id AS text) FROM staff_change c
            WHERE c.decided_by_id IS NOT NULL AND NOT EXISTS (
                SELECT 1 FROM journal_line l WHERE l.actor_id = c.decided_by_id
                AND l.objects @> ARRAY[CAST(c.id AS text)])
            """,
        ),
    ),
]
