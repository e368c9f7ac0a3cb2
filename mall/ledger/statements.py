"""The set-based statements of the purse: each moves lots and posts entries in one round trip."""

from sqlalchemy import text

from mall.kernel.together import WriteFragment

# Lots are locked in id order by the sub-select: a bare UPDATE over several rows orders nothing.
# Entries are written for what was asked; the caller compares the count of rows taken with what
# it asked for and undoes everything when one lot was short or has expired.
_TAKE_LOTS = """
    lots_wanted AS MATERIALIZED (
        SELECT * FROM unnest(CAST(:lots_ids AS uuid[]), CAST(:lots_amounts AS bigint[]),
                             CAST(:lots_entry_ids AS uuid[])) AS w(lot_id, amount_fen, entry_id)
    ), lots_locked AS MATERIALIZED (
        SELECT id FROM bean_lot WHERE id = ANY(CAST(:lots_ids AS uuid[])) ORDER BY id FOR UPDATE
    ), lots_taken AS (
        UPDATE bean_lot l SET balance_fen = l.balance_fen - w.amount_fen
        FROM lots_wanted w JOIN lots_locked k ON k.id = w.lot_id
        WHERE l.id = w.lot_id AND l.member_id = CAST(:lots_member_id AS uuid)
          AND l.balance_fen >= w.amount_fen AND l.expires_at > CAST(:lots_at AS timestamptz)
        RETURNING 1
    ), lots_transfer AS (
        INSERT INTO ledger_transfer (id, reference, kind, asset, posted_at)
        VALUES (CAST(:lots_transfer_id AS uuid), :lots_reference, :lots_kind, 'beans',
                CAST(:lots_at AS timestamptz))
    ), lots_entries AS (
        INSERT INTO ledger_entry (id, transfer_id, account, member_id, amount_fen)
        SELECT w.entry_id, CAST(:lots_transfer_id AS uuid), 'lot:' || w.lot_id,
               CAST(:lots_member_id AS uuid), -w.amount_fen
        FROM lots_wanted w
        UNION ALL
        SELECT CAST(:lots_total_entry_id AS uuid), CAST(:lots_transfer_id AS uuid),
               :lots_to_account, NULL, CAST(:lots_total AS bigint)
    )"""
_TAKEN = "(SELECT count(*) FROM lots_taken) = (SELECT count(*) FROM lots_wanted)"

SPEND = WriteFragment("lots", _TAKE_LOTS, _TAKEN)

HOLD = WriteFragment(
    "lots",
    _TAKE_LOTS
    + """, lots_held AS (
        INSERT INTO bean_hold (order_id, lot_id, amount_fen, state)
        SELECT CAST(:lots_order_id AS uuid), w.lot_id, w.amount_fen, 'held' FROM lots_wanted w
    )""",
    _TAKEN,
)

SETTLE_HOLDS = text(
    """
    UPDATE bean_hold SET state = :state WHERE order_id = :order_id AND state = 'held'
    RETURNING lot_id, amount_fen
    """
)

# What came back of each lot, and what becomes of it (docs/adr/0032):
# - kept: it can be spent again from its lot. An entitlement keeps it, too: it ends with its programme.
# - grace: its lot has expired, so a lot of its own takes it, with the grace period and nothing else.
# - over: nobody may spend it again; it goes to the lot's fund, or lapses.
# What decides (expiry, kind, programme, owner) never changes in a lot's row, except an entitlement's.
CREDIT_LOTS = text(
    """
    WITH wanted AS (
        SELECT * FROM unnest(CAST(:lot_ids AS uuid[]), CAST(:amounts AS bigint[]),
                             CAST(:grace_ids AS uuid[])) AS w(lot_id, amount_fen, grace_id)
    ), locked AS MATERIALIZED (
        SELECT id FROM bean_lot WHERE id = ANY(CAST(:lot_ids AS uuid[])) ORDER BY id FOR UPDATE
    ), judged AS MATERIALIZED (
        SELECT l.id, w.amount_fen, w.grace_id,
               CASE
                   WHEN l.is_voucher AND :spares_entitlements THEN 'over'
                   -- A programme that is over, and a member who has left its union.
                   WHEN EXISTS (
                       SELECT FROM ledger_fund f
                       LEFT JOIN union_membership m
                         ON m.union_id = f.union_id AND m.member_id = l.member_id
                       WHERE f.id = l.programme_id
                         AND (f.closed_at IS NOT NULL OR m.left_on <= :today)) THEN 'over'
                   WHEN l.is_voucher OR l.expires_at > :now THEN 'kept'
                   WHEN :has_grace THEN 'grace'
                   ELSE 'over'
               END AS fate
        FROM wanted w JOIN locked k ON k.id = w.lot_id JOIN bean_lot l ON l.id = k.id
    ), kept AS (
        UPDATE bean_lot l
        SET balance_fen = l.balance_fen + j.amount_fen,
            lapsed_at = NULL,
            expires_at = CASE WHEN :has_grace AND l.expires_at <= :now THEN :grace_until
                              ELSE l.expires_at END
        FROM judged j WHERE j.id = l.id AND j.fate = 'kept'
        RETURNING l.id, l.member_id
    ), grace AS (
        INSERT INTO bean_lot (id, member_id, scope_id, programme, programme_id, granted_fen,
                              balance_fen, expires_at, is_voucher, allows_top_up,
                              leftover_fund_id, came_from_id, created_at)
        SELECT j.grace_id, l.member_id, l.scope_id, l.programme, l.programme_id, j.amount_fen,
               j.amount_fen, :grace_until, false, l.allows_top_up, l.leftover_fund_id, l.id, :now
        FROM judged j JOIN bean_lot l ON l.id = j.id WHERE j.fate = 'grace'
        RETURNING id, member_id, came_from_id
    )
    SELECT id AS came_from_id, id AS lot_id, member_id FROM kept
    UNION ALL
    SELECT came_from_id, id, member_id FROM grace
    """
)

# What an entitlement paid for was the union's own purchase, whatever its members' leftovers become.
LOTS_OVER = text(
    """
    SELECT l.id, l.member_id, CASE WHEN l.is_voucher THEN f.id ELSE l.leftover_fund_id END AS fund_id
    FROM bean_lot l LEFT JOIN ledger_fund f ON f.id = l.programme_id
    WHERE l.id = ANY(CAST(:lot_ids AS uuid[]))
    """
)

SPENDABLE = """
    SELECT l.id, l.balance_fen, l.expires_at, s.product_ids, l.allows_top_up, l.programme_id
    FROM bean_lot l LEFT JOIN bean_scope s ON s.id = l.scope_id
    WHERE l.member_id = CAST(:purse_member_id AS uuid) AND l.balance_fen > 0
      AND NOT l.is_voucher AND l.expires_at > :purse_at
    ORDER BY l.expires_at
    LIMIT 1000
    """

# One batch of lots whose time is over: emptied, and posted as one transfer with a leg for each lot
# and one for each place that takes what was left. The application gives ids, which order entries.
LAPSE_DUE = text(
    """
    WITH due AS MATERIALIZED (
        SELECT id, member_id, balance_fen, leftover_fund_id FROM bean_lot
        WHERE lapsed_at IS NULL AND expires_at <= :now AND NOT is_voucher
        -- As the index gives them: many lots end at one instant, and to sort all of them for each
        -- batch would cost more than the batch. Nobody is waited for, so the order locks nothing up.
        ORDER BY expires_at LIMIT :limit FOR UPDATE SKIP LOCKED
    ), emptied AS (
        UPDATE bean_lot l SET balance_fen = 0, lapsed_at = :now FROM due WHERE l.id = due.id
    ), filled AS MATERIALIZED (
        SELECT *, row_number() OVER (ORDER BY id) AS number FROM due WHERE balance_fen > 0
    ), taken AS MATERIALIZED (
        SELECT leftover_fund_id, sum(balance_fen) AS fen,
               row_number() OVER (ORDER BY leftover_fund_id) AS number
        FROM filled GROUP BY leftover_fund_id
    ), transfer AS (
        INSERT INTO ledger_transfer (id, reference, kind, asset, posted_at)
        SELECT :transfer_id, :reference, 'lapse', 'beans', :now WHERE EXISTS (SELECT FROM filled)
    ), entries AS (
        INSERT INTO ledger_entry (id, transfer_id, account, member_id, amount_fen)
        SELECT (CAST(:lot_entry_ids AS uuid[]))[number], CAST(:transfer_id AS uuid),
               'lot:' || id, member_id, -balance_fen
        FROM filled
        UNION ALL
        SELECT (CAST(:other_entry_ids AS uuid[]))[number], CAST(:transfer_id AS uuid),
               coalesce('fund:' || leftover_fund_id, :lapsed_account), NULL, fen
        FROM taken
    )
    SELECT (SELECT count(*) FROM due) AS lots, leftover_fund_id, CAST(fen AS bigint) AS fen
    FROM (SELECT 1) one LEFT JOIN taken ON true
    """
)

FILL_FUNDS = text(
    """
    WITH locked AS (SELECT id FROM ledger_fund WHERE id = ANY(:fund_ids) ORDER BY id FOR UPDATE)
    UPDATE ledger_fund f SET balance_fen = f.balance_fen + w.amount_fen
    FROM unnest(CAST(:fund_ids AS uuid[]), CAST(:amounts AS bigint[])) AS w(id, amount_fen)
    JOIN locked k ON k.id = w.id
    WHERE f.id = w.id
    """
)

# Lots and funds carry their own balance and holds are short-lived: what is left are the system accounts.
SYSTEM_ENTRY = """e.account NOT LIKE 'lot:%' AND e.account NOT LIKE 'hold:%'
              AND e.account NOT LIKE 'fund:%'"""

# The newest snapshot and what was posted since; a scan of the days since, never of the years.
ACCOUNTS = text(
    f"""
    WITH last AS (SELECT coalesce(max(before), '-infinity') AS before FROM ledger_snapshot),
    parts AS (
        SELECT s.account, s.asset, s.balance_fen FROM ledger_snapshot s JOIN last USING (before)
        UNION ALL
        SELECT e.account, t.asset, e.amount_fen
        FROM ledger_transfer t JOIN ledger_entry e ON e.transfer_id = t.id
        WHERE t.posted_at >= (SELECT before FROM last) AND {SYSTEM_ENTRY}
    )
    SELECT account, asset, CAST(sum(balance_fen) AS bigint) AS balance_fen
    FROM parts GROUP BY account, asset ORDER BY asset, account
    """
)

ROLL_UP = text(
    f"""
    WITH last AS (
        SELECT coalesce(max(before), '-infinity') AS before FROM ledger_snapshot
        WHERE before < :before
    ), parts AS (
        SELECT s.account, s.asset, s.balance_fen FROM ledger_snapshot s JOIN last USING (before)
        UNION ALL
        SELECT e.account, t.asset, e.amount_fen
        FROM ledger_transfer t JOIN ledger_entry e ON e.transfer_id = t.id
        WHERE t.posted_at >= (SELECT before FROM last) AND t.posted_at < :before AND {SYSTEM_ENTRY}
    )
    INSERT INTO ledger_snapshot (account, asset, before, balance_fen)
    SELECT account, asset, :before, sum(balance_fen) FROM parts GROUP BY account, asset
    ON CONFLICT DO NOTHING
    """
)

FORGET_SNAPSHOTS = text("DELETE FROM ledger_snapshot WHERE before < :keep_from")
