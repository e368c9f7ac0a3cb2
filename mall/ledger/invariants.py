"""What must always be true of the ledger, and what a changed row of it speaks of."""

from mall.kernel.invariants import Each, Follow, Invariant, Subject, Sum, Sums, Trace
from mall.ledger import statements

SUBJECTS = [
    Subject("transfer", "uuid", "ledger_transfer", "id"),
    Subject("member", "uuid", "bean_lot", "member_id"),
    Subject("grant", "text", "value_act", "subject"),
]
SUMS = [
    Sum(
        "accounts",
        "transfer",
        f"""
        SELECT t.asset || ' ' || e.account AS key, e.amount_fen AS amount
        FROM ledger_transfer t JOIN ledger_entry e ON e.transfer_id = t.id
        WHERE among(t.id) AND written(t) AND {statements.SYSTEM_ENTRY}
        """,
    )
]
# What an entry's account names, where it is of this kind; another kind names nothing.
_NAMED = "CASE WHEN e.account LIKE '{0}:%' THEN CAST(substr(e.account, {1}) AS uuid) END"
LOT_OF_ENTRY, HOLD_OF_ENTRY, FUND_OF_ENTRY = (
    _NAMED.format(kind, len(kind) + 2) for kind in ("lot", "hold", "fund")
)
# What was granted is named by a transfer's reference, the member apart.
_GRANT = "regexp_replace(substr(t.reference, 7), ':[0-9a-f-]{36}$', '')"
TRACES = [
    Trace("transfer", "ledger_transfer", "SELECT id FROM changed"),
    Trace("transfer", "ledger_entry", "SELECT transfer_id FROM changed"),
    Trace("member", "bean_lot", "SELECT member_id FROM changed"),
    Trace(
        "member",
        "ledger_entry",
        f"""
        SELECT e.member_id FROM changed e WHERE e.member_id IS NOT NULL
        UNION ALL SELECT l.member_id FROM changed e JOIN bean_lot l ON l.id = {LOT_OF_ENTRY}
        """,
    ),
    Follow(
        "member",
        "transfer",
        "SELECT e.member_id FROM changed JOIN ledger_entry e ON e.transfer_id = key"
        " WHERE e.member_id IS NOT NULL",
    ),
    Trace("grant", "value_act", "SELECT subject FROM changed WHERE kind = 'grant'"),
    Follow(
        "grant",
        "transfer",
        f"SELECT {_GRANT} FROM changed JOIN ledger_transfer t ON t.id = key WHERE t.kind = 'grant'",
    ),
    Trace(
        "transfer",
        "value_act",
        """
        SELECT t.id FROM changed v JOIN ledger_transfer t
          ON t.reference >= 'grant:' || v.subject AND t.reference < 'grant:' || v.subject || ';'
        WHERE v.kind = 'grant'
        """,
    ),
    Trace(
        "transfer",
        "bean_hold",
        """
        SELECT t.id FROM changed h CROSS JOIN unnest(ARRAY['hold:', 'capture:', 'release:']) k
        JOIN ledger_transfer t ON t.reference = k || h.order_id
        """,
    ),
    Trace("programme", "ledger_fund", "SELECT id FROM changed"),
    Trace("programme", "bean_lot", "SELECT programme_id FROM changed"),
    Trace(
        "programme",
        "bean_hold",
        "SELECT l.programme_id FROM changed h JOIN bean_lot l ON l.id = h.lot_id",
    ),
    Follow(
        "programme",
        "transfer",
        f"""
        SELECT {FUND_OF_ENTRY} FROM changed JOIN ledger_entry e ON e.transfer_id = key
        UNION ALL
        SELECT l.programme_id FROM changed JOIN ledger_entry e ON e.transfer_id = key
        JOIN bean_lot l ON l.id = {LOT_OF_ENTRY}
        """,
    ),
    Trace("order", "bean_hold", "SELECT order_id FROM changed"),
    Follow(
        "order",
        "transfer",
        """
        SELECT CAST(split_part(t.reference, ':', 2) AS uuid)
        FROM changed JOIN ledger_transfer t ON t.id = key
        WHERE t.reference ~ '^(spend|capture|unspend|hold|release):[0-9a-f-]{36}$'
        """,
    ),
]
INVARIANTS = [
    Invariant(
        "grants_on_record",
        "beans come from a grant that stands on record with who entered it and who confirmed it",
        Each(
            "grant",
            f"""
            SELECT v.subject, t.fen, v.fen
            FROM (SELECT subject, sum(amount_fen) AS fen FROM value_act
                  WHERE among(subject) AND kind = 'grant' AND state IN ('alone', 'confirmed')
                  GROUP BY subject) v
            CROSS JOIN LATERAL (
                SELECT sum(e.amount_fen) AS fen
                FROM ledger_transfer t JOIN ledger_entry e ON e.transfer_id = t.id
                WHERE t.reference >= 'grant:' || v.subject
                  AND t.reference < 'grant:' || v.subject || ';' AND t.kind = 'grant'
                  AND {_GRANT} = v.subject AND e.amount_fen > 0) t
            WHERE t.fen IS DISTINCT FROM v.fen
            """,
        ),
        Each(
            "transfer",
            f"""
            SELECT t.reference FROM ledger_transfer t
            WHERE among(t.id) AND t.kind = 'grant' AND NOT EXISTS (
                SELECT FROM value_act v WHERE v.subject = {_GRANT} AND v.kind = 'grant'
                AND v.state IN ('alone', 'confirmed'))
            """,
        ),
    ),
    Invariant(
        "snapshots_add_up",
        "the newest snapshot of every system account is the sum of the entries before it",
        Sums(
            f"""
            WITH last AS (SELECT max(before) AS before FROM ledger_snapshot),
            since AS (
                SELECT t.asset || ' ' || e.account AS key, sum(e.amount_fen) AS amount
                FROM ledger_transfer t JOIN ledger_entry e ON e.transfer_id = t.id
                WHERE t.posted_at >= (SELECT before FROM last) AND {statements.SYSTEM_ENTRY}
                GROUP BY 1)
            SELECT key, s.balance_fen, coalesce(a.amount, 0) - coalesce(since.amount, 0)
            FROM (SELECT asset || ' ' || account AS key, balance_fen
                  FROM ledger_snapshot JOIN last USING (before)) s
            FULL JOIN total(accounts) a USING (key)
            FULL JOIN since USING (key)
            WHERE (SELECT before FROM last) IS NOT NULL
              AND coalesce(s.balance_fen, 0)
                  <> coalesce(a.amount, 0) - coalesce(since.amount, 0)
            """
        ),
    ),
    Invariant(
        "ledger_balanced",
        "the entries of every transfer sum to zero and there are at least two",
        Each(
            "transfer",
            """
            SELECT t.reference, coalesce(sum(e.amount_fen), 0), count(e.id)
            FROM ledger_transfer t
            LEFT JOIN (SELECT * FROM ledger_entry WHERE among(transfer_id)) e
              ON e.transfer_id = t.id
            WHERE among(t.id)
            GROUP BY t.id HAVING coalesce(sum(e.amount_fen), 0) <> 0 OR count(e.id) < 2
            """,
        ),
    ),
    Invariant(
        "lot_balance",
        "a lot's balance is the sum of its entries and never negative",
        # Of its member's entries: `entries_have_accounts` finds an entry that names another.
        Each(
            "member",
            """
            SELECT l.id, l.balance_fen, coalesce(sum(e.amount_fen), 0)
            FROM bean_lot l
            LEFT JOIN (SELECT * FROM ledger_entry
                       WHERE among(member_id) AND member_id IS NOT NULL) e
              ON e.member_id = l.member_id AND e.account = 'lot:' || l.id
            WHERE among(l.member_id)
            GROUP BY l.id
            HAVING l.balance_fen <> coalesce(sum(e.amount_fen), 0) OR l.balance_fen < 0
            """,
        ),
    ),
    Invariant(
        "fund_balance",
        "a fund's balance is the sum of its entries and never negative",
        Each(
            "programme",
            """
            SELECT f.id, f.balance_fen, e.fen FROM ledger_fund f
            CROSS JOIN LATERAL (
                SELECT coalesce(sum(amount_fen), 0) AS fen FROM ledger_entry
                WHERE account = 'fund:' || f.id AND account LIKE 'fund:%') e
            WHERE among(f.id) AND (f.balance_fen <> e.fen OR f.balance_fen < 0)
            """,
        ),
        Each(
            "transfer",
            f"""
            SELECT e.account, e.amount_fen FROM ledger_entry e
            LEFT JOIN ledger_fund f ON f.id = {FUND_OF_ENTRY}
            WHERE among(e.transfer_id) AND e.account LIKE 'fund:%' AND f.id IS NULL
            """,
        ),
    ),
    Invariant(
        "prepaid_beans_paid",
        "what unions hold in prepaid money is what was put into their funds and not paid out",
        # Money and beans of one deposit or payout: two transfers, of which one names the other.
        Each(
            "transfer",
            """
            SELECT m.reference, m.fen, b.fen
            FROM (SELECT t.reference, t.kind, sum(e.amount_fen) AS fen
                  FROM ledger_transfer t JOIN ledger_entry e ON e.transfer_id = t.id
                  WHERE among(t.id) AND among(e.transfer_id) AND e.account = 'beans:prepaid'
                  GROUP BY t.id) m
            CROSS JOIN LATERAL (
                SELECT coalesce(sum(e.amount_fen), 0) AS fen
                FROM ledger_transfer s JOIN ledger_entry e ON e.transfer_id = s.id
                WHERE s.reference = 'fund:' || m.reference AND s.kind = m.kind
                  AND s.asset = 'beans' AND e.account LIKE 'fund:%') b
            WHERE m.fen <> b.fen OR m.kind NOT IN ('deposit', 'payout')
            """,
        ),
        Each(
            "transfer",
            """
            SELECT t.reference FROM ledger_transfer t
            WHERE among(t.id) AND t.kind IN ('deposit', 'payout') AND t.asset = 'beans'
              AND NOT EXISTS (
                SELECT FROM ledger_transfer s JOIN ledger_entry e ON e.transfer_id = s.id
                WHERE s.reference = substr(t.reference, 6) AND e.account = 'beans:prepaid')
            """,
        ),
    ),
    Invariant(
        "hold_balance",
        "what an order holds is the sum of its hold account's entries",
        Each(
            "order",
            """
            SELECT h.order_id, h.fen, e.fen
            FROM (SELECT order_id,
                         coalesce(sum(amount_fen) FILTER (WHERE state = 'held'), 0) AS fen
                  FROM bean_hold WHERE among(order_id) GROUP BY order_id) h
            CROSS JOIN LATERAL (
                SELECT coalesce(sum(e.amount_fen), 0) AS fen
                FROM ledger_transfer t JOIN ledger_entry e ON e.transfer_id = t.id
                WHERE t.reference IN
                      ('hold:' || h.order_id, 'capture:' || h.order_id, 'release:' || h.order_id)
                  AND e.account = 'hold:' || h.order_id) e
            WHERE h.fen <> e.fen
            """,
        ),
        Each(
            "transfer",
            f"""
            SELECT t.reference, e.account
            FROM ledger_transfer t JOIN ledger_entry e ON e.transfer_id = t.id
            WHERE among(t.id) AND among(e.transfer_id) AND e.account LIKE 'hold:%'
              AND (t.reference NOT IN (e.account, 'capture' || substr(e.account, 5),
                                       'release' || substr(e.account, 5))
                   OR NOT EXISTS (SELECT FROM bean_hold h WHERE h.order_id = {HOLD_OF_ENTRY}))
            """,
        ),
    ),
    Invariant(
        "entries_have_accounts",
        "every lot account belongs to a lot and its entries name the lot's member",
        Each(
            "transfer",
            f"""
            SELECT e.id, e.account FROM ledger_entry e
            LEFT JOIN bean_lot l ON l.id = {LOT_OF_ENTRY}
            WHERE among(e.transfer_id) AND e.account LIKE 'lot:%'
              AND (l.id IS NULL OR e.member_id IS DISTINCT FROM l.member_id)
            """,
        ),
    ),
    Invariant(
        "grace_is_what_came_back",
        "a lot of the grace period holds what came back of an expired lot of the same member, once",
        Each(
            "member",
            """
            SELECT l.id, l.granted_fen, e.fen
            FROM bean_lot l
            JOIN bean_lot o ON o.id = l.came_from_id
            LEFT JOIN LATERAL (
                SELECT sum(e.amount_fen) AS fen
                FROM ledger_entry e JOIN ledger_transfer t ON t.id = e.transfer_id
                WHERE e.member_id = l.member_id AND e.account = 'lot:' || l.id
                  AND t.posted_at = l.created_at AND e.amount_fen > 0) e ON true
            WHERE among(l.member_id) AND (l.granted_fen IS DISTINCT FROM e.fen
               OR l.member_id <> o.member_id OR l.created_at < o.expires_at)
            """,
        ),
    ),
]
