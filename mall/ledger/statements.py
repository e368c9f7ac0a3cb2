"""The set-based statements of the purse: each moves lots and posts entries in one round trip."""

from sqlalchemy import text

# Lots are locked in id order by the sub-select: a bare UPDATE over several rows orders nothing.
# Entries are written for what was asked; the caller compares the count of rows taken with what
# it asked for and undoes everything when one lot was short or has expired.
TAKE_LOTS = text(
    """
    WITH wanted AS (
        SELECT * FROM unnest(CAST(:lot_ids AS uuid[]), CAST(:amounts AS bigint[]),
                             CAST(:entry_ids AS uuid[])) AS w(lot_id, amount_fen, entry_id)
    ), locked AS (
        SELECT id FROM bean_lot WHERE id = ANY(CAST(:lot_ids AS uuid[])) ORDER BY id FOR UPDATE
    ), taken AS (
        UPDATE bean_lot l SET balance_fen = l.balance_fen - w.amount_fen
        FROM wanted w JOIN locked k ON k.id = w.lot_id
        WHERE l.id = w.lot_id AND l.member_id = :member_id
          AND l.balance_fen >= w.amount_fen AND l.expires_at > :now
        RETURNING l.id
    ), transfer AS (
        INSERT INTO ledger_transfer (id, reference, kind, asset, posted_at)
        VALUES (:transfer_id, :reference, :kind, 'beans', :now)
    ), entries AS (
        INSERT INTO ledger_entry (id, transfer_id, account, member_id, amount_fen)
        SELECT w.entry_id, :transfer_id, 'lot:' || w.lot_id, :member_id, -w.amount_fen
        FROM wanted w
        UNION ALL
        SELECT :total_entry_id, :transfer_id, :to_account, NULL, :total_fen
    )
    SELECT count(*) FROM taken
    """
)

HOLD_LOTS = text(
    """
    INSERT INTO bean_hold (order_id, lot_id, amount_fen, state)
    SELECT :order_id, w.lot_id, w.amount_fen, 'held'
    FROM unnest(CAST(:lot_ids AS uuid[]), CAST(:amounts AS bigint[])) AS w(lot_id, amount_fen)
    """
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
        expires_at = GREATEST(l.expires_at, CASE WHEN l.expires_at <= :now
                                                 THEN :grace_until ELSE l.expires_at END)
    FROM wanted w JOIN locked k ON k.id = w.lot_id
    WHERE l.id = w.lot_id
    RETURNING l.id, l.member_id
    """
)

SPENDABLE = text(
    """
    SELECT l.id, l.balance_fen, l.expires_at, s.product_ids
    FROM bean_lot l LEFT JOIN bean_scope s ON s.id = l.scope_id
    WHERE l.member_id = :member_id AND l.balance_fen > 0 AND l.expires_at > :now
    ORDER BY l.expires_at
    LIMIT 1000
    """
)

LAPSE_DUE = text(
    """
    SELECT id, member_id, balance_fen FROM bean_lot
    WHERE balance_fen > 0 AND expires_at <= :now
    ORDER BY id LIMIT :limit FOR UPDATE SKIP LOCKED
    """
)
