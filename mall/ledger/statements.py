"""The set-based statements of the purse: each moves lots and posts entries in one round trip."""

from sqlalchemy import text

from mall.kernel.together import Share

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

SPEND = Share("lots", _TAKE_LOTS, _TAKEN)

HOLD = Share(
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

GIVE_BACK = text(
    """
    WITH wanted AS (
        SELECT * FROM unnest(CAST(:lot_ids AS uuid[]), CAST(:amounts AS bigint[]))
            AS w(lot_id, amount_fen)
    ), locked AS (
        SELECT id FROM bean_lot WHERE id = ANY(CAST(:lot_ids AS uuid[])) ORDER BY id FOR UPDATE
    )
    UPDATE bean_lot l
    SET balance_fen = l.balance_fen + w.amount_fen,
        -- What comes back after its lot expired can still be spent for the grace period.
        lapsed_at = NULL,
        expires_at = GREATEST(l.expires_at, CASE WHEN l.expires_at <= :now
                                                 THEN :grace_until ELSE l.expires_at END)
    FROM wanted w JOIN locked k ON k.id = w.lot_id
    WHERE l.id = w.lot_id
      -- A lot of a programme that is over, or of somebody who has left its union, takes nothing
      -- back; nor does a right where it is spared.
      AND NOT (l.is_voucher AND :spares_rights)
      AND NOT EXISTS (
          SELECT FROM ledger_fund f
          LEFT JOIN union_membership m ON m.union_id = f.union_id AND m.member_id = l.member_id
          WHERE f.id = l.programme_id AND (f.closed_at IS NOT NULL OR m.left_on <= :today))
    RETURNING l.id, l.member_id
    """
)

# What a right paid for was the union's own purchase, whatever its members' leftovers become.
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

LAPSE_DUE = text(
    """
    WITH due AS (
        SELECT id, member_id, balance_fen, leftover_fund_id FROM bean_lot
        WHERE lapsed_at IS NULL AND expires_at <= :now AND NOT is_voucher
        ORDER BY id LIMIT :limit FOR UPDATE SKIP LOCKED
    )
    UPDATE bean_lot l SET balance_fen = 0, lapsed_at = :now FROM due WHERE l.id = due.id
    RETURNING l.id, l.member_id, due.balance_fen, due.leftover_fund_id
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
