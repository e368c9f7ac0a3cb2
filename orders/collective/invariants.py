"""What must always be true of a programme's money, and what a changed row of it speaks of."""

from mall.kernel.invariants import Each, Follow, Invariant, Trace

# What a transfer posted under the id of a union's transfer or payout, where it is one of those.
_FUNDING_OF_TRANSFER = """CASE WHEN t.reference ~ '^(bank|payout):[0-9a-f-]{36}$'
                               THEN CAST(split_part(t.reference, ':', 2) AS uuid) END"""
_PREFIX = "CASE f.kind WHEN 'transfer' THEN 'bank:' ELSE 'payout:' END"
# Money leaves the bank's clearing account when a union sends it.
_AMOUNT = "CASE f.kind WHEN 'transfer' THEN f.amount_fen ELSE -f.amount_fen END"

_OF_FUNDING = """
    SELECT f.programme_id FROM changed c JOIN funding f ON f.id = c.subject_id
    WHERE c.subject_kind = 'funding'
"""
TRACES = [
    Trace("programme", "funding", "SELECT programme_id FROM changed"),
    Trace("programme", "author", _OF_FUNDING),
    Trace("programme", "decision", _OF_FUNDING),
    Trace(
        "transfer",
        "funding",
        """
        SELECT t.id FROM changed f CROSS JOIN unnest(ARRAY['bank:', 'payout:']) k
        JOIN ledger_transfer t ON t.reference = k || f.id
        """,
    ),
    Follow(
        "programme",
        "transfer",
        f"""
        SELECT f.programme_id FROM changed JOIN ledger_transfer t ON t.id = key
        JOIN funding f ON f.id = {_FUNDING_OF_TRANSFER}
        """,
    ),
    Trace(
        "programme",
        "roster_entry",
        "SELECT t.programme_id FROM changed e JOIN entitlement t ON t.entry_id = e.id",
    ),
    Trace(
        "programme",
        "outbox_delivery",
        """
        SELECT t.programme_id FROM changed d
        CROSS JOIN jsonb_array_elements_text(d.payload->'entry_ids') entry
        JOIN entitlement t ON t.entry_id = CAST(entry AS uuid)
        WHERE d.topic = 'RosterEntriesClaimed'
        """,
    ),
]
INVARIANTS = [
    Invariant(
        "programme_budget",
        "a submitted programme's head-count and budget are those of its recipients",
        Each(
            "programme",
            """
            SELECT p.number, p.head_count, p.budget_fen, count(t.id),
                   coalesce(sum(t.amount_fen), 0)
            FROM programme p
            LEFT JOIN (SELECT * FROM entitlement WHERE among(programme_id)) t
              ON t.programme_id = p.id AND t.state <> 'withdrawn'
            WHERE among(p.id) AND p.state NOT IN ('draft', 'rejected', 'withdrawn')
            GROUP BY p.id
            HAVING p.head_count <> count(t.id) OR p.budget_fen <> coalesce(sum(t.amount_fen), 0)
            """,
        ),
    ),
    Invariant(
        "issued_from_fund",
        "what left a fund by issue is what its entitlements were given, and nothing before it was due",
        Each(
            "programme",
            """
            SELECT p.number, f.issued, t.issued
            FROM programme p
            CROSS JOIN LATERAL (
                SELECT coalesce(-sum(e.amount_fen), 0) AS issued
                FROM ledger_entry e JOIN ledger_transfer l ON l.id = e.transfer_id
                WHERE e.account = 'fund:' || p.id AND e.account LIKE 'fund:%'
                  AND l.kind = 'issue') f
            CROSS JOIN LATERAL (
                SELECT coalesce(sum(amount_fen), 0) AS issued FROM entitlement
                WHERE programme_id = p.id AND issued_at IS NOT NULL) t
            WHERE among(p.id) AND (f.issued <> t.issued OR (f.issued <> 0
               AND p.state NOT IN ('issuing', 'active', 'closed', 'accepted', 'archived')))
            """,
        ),
    ),
    Invariant(
        "money_posted",
        "every confirmed transfer and payout is posted once, with its amount",
        Each(
            "programme",
            f"""
            SELECT f.id, f.kind, f.amount_fen, e.amount_fen
            FROM funding f
            LEFT JOIN ledger_transfer t ON t.reference = {_PREFIX} || f.id
            LEFT JOIN ledger_entry e ON e.transfer_id = t.id AND e.account = 'bank:clearing'
            WHERE among(f.programme_id) AND f.state = 'confirmed'
              AND {_AMOUNT} IS DISTINCT FROM -e.amount_fen
            """,
        ),
        Each(
            "transfer",
            f"""
            SELECT t.reference, f.state, f.amount_fen, -e.amount_fen
            FROM ledger_transfer t
            JOIN ledger_entry e ON e.transfer_id = t.id AND e.account = 'bank:clearing'
            LEFT JOIN funding f ON f.id = {_FUNDING_OF_TRANSFER} AND f.state = 'confirmed'
              AND t.reference = {_PREFIX} || f.id
            WHERE among(t.id) AND among(e.transfer_id)
              AND {_AMOUNT} IS DISTINCT FROM -e.amount_fen
            """,
        ),
    ),
    Invariant(
        "money_confirmed_by_two",
        "every confirmed transfer and payout was recorded by one person and confirmed by another",
        Each(
            "programme",
            """
            SELECT f.id, f.kind, f.amount_fen, f.recorded_by, f.decided_by FROM funding f
            WHERE among(f.programme_id) AND f.state = 'confirmed' AND f.is_by_two
              AND (f.decided_by = f.recorded_by
               OR NOT EXISTS (SELECT FROM author a WHERE a.subject_kind = 'funding'
                              AND a.subject_id = f.id AND a.name = f.recorded_by)
               OR NOT EXISTS (SELECT FROM decision d WHERE d.subject_kind = 'funding'
                              AND d.subject_id = f.id AND d.name = f.decided_by))
            """,
        ),
    ),
    Invariant(
        "claimed_entitlements_given",
        "nothing waits for somebody who has claimed it, but for the message that will give it",
        Each(
            "programme",
            """
            SELECT p.number, t.id FROM entitlement t
            JOIN programme p ON p.id = t.programme_id
            JOIN roster_entry e ON e.id = t.entry_id AND e.member_id IS NOT NULL
            WHERE among(t.programme_id) AND t.state = 'waiting'
              AND NOT EXISTS (
                  SELECT 1 FROM outbox_delivery d
                  WHERE d.topic = 'RosterEntriesClaimed' AND d.state = 'pending'
                    AND jsonb_exists(CAST(d.payload AS jsonb)->'entry_ids', CAST(e.id AS text)))
            """,
        ),
    ),
    Invariant(
        "closed_means_settled",
        "nothing is open on the vouchers of a closed programme, and nobody waits for anything",
        Each(
            "programme",
            """
            SELECT p.number, t.id, t.state, l.balance_fen
            FROM programme p JOIN entitlement t ON t.programme_id = p.id
            LEFT JOIN bean_lot l ON l.id = t.lot_id
            WHERE among(p.id) AND p.state IN ('closed', 'accepted', 'archived')
              AND p.delivery <> 'unit_delivery'
              AND (t.state IN ('listed', 'waiting', 'open')
                   OR (l.is_voucher AND l.balance_fen <> 0 AND l.lapsed_at IS NOT NULL))
            """,
        ),
    ),
]
