"""Match a bill with payments and refunds: one statement for all its lines."""

from sqlalchemy import text

WANT = text(
    """
    INSERT INTO bill (merchant, day, state, try_at, line_count, paid_fen, refunded_fen, fee_fen)
    SELECT :merchant, d, 'wanted', :now, 0, 0, 0, 0
    FROM unnest(CAST(:days AS date[])) AS d ON CONFLICT DO NOTHING
    """
)

FORGET_LINES = text("DELETE FROM bill_line WHERE merchant = :merchant AND day = :day")

KEEP_LINES = text(
    """
    INSERT INTO bill_line (merchant, day, line, kind, number, wechat_no, amount_fen, fee_fen,
                           coupon_fen, state, mch_id, currency, traded_at)
    SELECT :merchant, :day, l.*
    FROM unnest(CAST(:lines AS bigint[]), CAST(:kinds AS text[]), CAST(:numbers AS text[]),
                CAST(:wechat_nos AS text[]), CAST(:amounts AS bigint[]), CAST(:fees AS bigint[]),
                CAST(:coupons AS bigint[]), CAST(:states AS text[]), CAST(:mch_ids AS text[]),
                CAST(:currencies AS text[]), CAST(:moments AS timestamptz[])) AS l
    """
)

# Whether money moved, by what the line says: a refund that failed is listed, too.
COUNTS = """CASE l.kind WHEN 'payment' THEN l.state IN ('SUCCESS', 'REFUND')
                      ELSE l.state IN ('SUCCESS', 'PROCESSING') END"""

# Every line, on whichever day, about a number of this bill (or one that stood there twice before),
# beside what we know of it. The line that fits best takes the first turn: it alone can prove what
# we posted. A line about another merchant or currency proves nothing. `net_fen` is what the line
# adds to what WeChat has. A refund whose end we have not seen is no difference while WeChat is at it.
_RANKED = f"""
    numbers AS MATERIALIZED (
        SELECT kind, number FROM bill_line WHERE merchant = :merchant AND day = :day
        UNION
        SELECT kind, number FROM reconciliation_case
        WHERE merchant = :merchant AND difference = 'line_repeated' AND state <> 'vanished'
    ), beside AS (
        SELECT l.*, CASE l.kind WHEN 'payment' THEN 1 ELSE -1 END AS sign, {COUNTS} AS counts,
               l.currency = 'CNY' AND l.mch_id IN ('', :mch_id) AS is_ours,
               coalesce(p.amount_fen, r.amount_fen) AS our_fen,
               coalesce(p.transaction_id, r.refund_id) AS our_no,
               CASE
                   WHEN p.state = 'paid' OR r.state = 'succeeded' THEN 'SUCCESS'
                   WHEN r.state IN ('accepted', 'requested') AND l.state = 'PROCESSING'
                       THEN 'PROCESSING'
                   WHEN r.state IN ('failed', 'settled') AND l.state IN ('CHANGE', 'FAIL')
                       THEN l.state
                   ELSE coalesce(p.state, r.state)
               END AS our_state
        FROM numbers n
        JOIN bill_line l ON l.merchant = :merchant AND l.number = n.number AND l.kind = n.kind
        LEFT JOIN payment p
          ON l.kind = 'payment' AND p.out_trade_no = l.number AND p.merchant = l.merchant
        LEFT JOIN (refund r JOIN payment q ON q.id = r.payment_id)
          ON l.kind = 'refund' AND r.out_refund_no = l.number AND q.merchant = l.merchant
    ), ranked AS MATERIALIZED (
        SELECT b.*, CASE WHEN counts THEN sign * amount_fen ELSE 0 END AS net_fen,
               round(sign * amount_fen * CAST(:fee_rate AS numeric) / 10000) AS due_fee,
               row_number() OVER (
                   PARTITION BY kind, number
                   ORDER BY is_ours DESC, (wechat_no IS NOT DISTINCT FROM our_no) DESC,
                            (amount_fen IS NOT DISTINCT FROM our_fen) DESC, day, line) AS turn
        FROM beside b
    )
"""

# Run twice: what is no proof any more gives way before another line becomes it.
PROVE = text(
    f"""
    WITH {_RANKED}
    UPDATE bill_line l SET is_proof = :is_proof
    FROM ranked r
    WHERE l.merchant = r.merchant AND l.day = r.day AND l.line = r.line
      AND (r.turn = 1 AND r.is_ours AND r.our_fen IS NOT NULL) = :is_proof
      AND l.is_proof <> :is_proof
    """
)

MATCH = text(
    f"""
    WITH {_RANKED},
    placed AS (
        SELECT *, CASE WHEN turn = 1 THEN '' ELSE day || '#' || line END AS place FROM ranked
    ), proofs AS (
        SELECT * FROM ranked WHERE is_proof
    ), found AS (
        SELECT day, kind, number, 'unknown_to_us' AS difference, '' AS place,
               CAST(amount_fen AS text) AS at_wechat, '' AS with_us, net_fen AS difference_fen
        FROM ranked WHERE turn = 1 AND is_ours AND our_fen IS NULL
        UNION ALL
        SELECT day, kind, number, 'line_repeated', place, CAST(amount_fen AS text),
               coalesce(CAST(our_fen AS text), ''), net_fen
        FROM placed WHERE turn > 1 AND is_ours
        UNION ALL
        SELECT day, kind, number, 'other_merchant', place, mch_id, :mch_id, net_fen
        FROM placed WHERE mch_id NOT IN ('', :mch_id)
        UNION ALL
        SELECT day, kind, number, 'other_currency', place, currency, 'CNY', net_fen
        FROM placed WHERE currency <> 'CNY' AND mch_id IN ('', :mch_id)
        UNION ALL
        SELECT day, kind, number, 'coupon_used', place, CAST(coupon_fen AS text), '0', 0
        FROM placed WHERE coupon_fen <> 0
        UNION ALL
        SELECT day, kind, number, 'other_day', place,
               CAST(CAST(traded_at AT TIME ZONE 'Asia/Shanghai' AS date) AS text),
               CAST(day AS text), 0
        FROM placed WHERE CAST(traded_at AT TIME ZONE 'Asia/Shanghai' AS date) <> day
        UNION ALL
        SELECT day, kind, number, 'amount_differs', '', CAST(amount_fen AS text),
               CAST(our_fen AS text), CASE WHEN counts THEN sign * (amount_fen - our_fen) ELSE 0 END
        FROM proofs WHERE amount_fen <> our_fen
        UNION ALL
        SELECT day, kind, number, 'state_differs', '', state || ' ' || wechat_no,
               our_state || ' ' || coalesce(our_no, ''),
               CASE WHEN counts AND our_state NOT IN ('SUCCESS', 'PROCESSING') THEN sign * our_fen
                    WHEN NOT counts AND our_state = 'SUCCESS' THEN -sign * our_fen
                    ELSE 0 END
        FROM proofs
        WHERE NOT (state = 'PROCESSING' AND our_state IN ('PROCESSING', 'SUCCESS'))
          AND (our_state <> CASE WHEN state = 'REFUND' THEN 'SUCCESS' ELSE state END
               OR our_no IS DISTINCT FROM wechat_no)
        UNION ALL
        SELECT day, kind, number, 'fee_differs', '', CAST(fee_fen AS text),
               CAST(due_fee AS text), 0
        FROM proofs WHERE fee_fen <> due_fee
        UNION ALL
        SELECT CAST(:day AS date), 'payment', p.out_trade_no, 'missing_at_wechat', '', '',
               CAST(p.amount_fen AS text), -p.amount_fen
        FROM payment p
        WHERE p.merchant = :merchant AND p.state = 'paid'
          AND p.paid_at >= :begins AND p.paid_at < :ends
          AND NOT EXISTS (SELECT FROM bill_line l
                          WHERE l.number = p.out_trade_no AND l.kind = 'payment'
                            AND l.merchant = :merchant AND l.is_proof)
        UNION ALL
        SELECT CAST(:day AS date), 'refund', r.out_refund_no, 'missing_at_wechat', '', '',
               CAST(r.amount_fen AS text), r.amount_fen
        FROM refund r JOIN payment p ON p.id = r.payment_id
        WHERE p.merchant = :merchant AND r.state = 'succeeded'
          AND r.ended_at >= :begins AND r.ended_at < :ends
          AND NOT EXISTS (SELECT FROM bill_line l
                          WHERE l.number = r.out_refund_no AND l.kind = 'refund'
                            AND l.merchant = :merchant AND l.is_proof)
    ), kept AS (
        INSERT INTO reconciliation_case (id, merchant, day, kind, number, difference, place,
                                         at_wechat, with_us, difference_fen, state, found_at,
                                         changed_at)
        SELECT gen_random_uuid(), :merchant, day, kind, number, difference, place, at_wechat,
               with_us, difference_fen, 'open', :now, :now
        FROM found
        ON CONFLICT (merchant, kind, number, difference, place) DO UPDATE
        SET at_wechat = excluded.at_wechat, with_us = excluded.with_us, day = excluded.day,
            difference_fen = excluded.difference_fen, state = 'open', note = NULL,
            explained_by = NULL, changed_at = excluded.changed_at
        WHERE reconciliation_case.state = 'vanished'
           OR (reconciliation_case.at_wechat, reconciliation_case.with_us,
               reconciliation_case.difference_fen)
              IS DISTINCT FROM (excluded.at_wechat, excluded.with_us, excluded.difference_fen)
        RETURNING 1
    ), gone AS (
        UPDATE reconciliation_case c
        SET state = 'vanished', note = NULL, explained_by = NULL, changed_at = :now
        WHERE c.merchant = :merchant AND c.state <> 'vanished'
          AND (c.day = :day
               OR ((c.kind, c.number) IN (SELECT kind, number FROM numbers)
                   AND (c.difference <> 'missing_at_wechat'
                        OR EXISTS (SELECT FROM proofs x
                                   WHERE x.kind = c.kind AND x.number = c.number))))
          AND NOT EXISTS (SELECT FROM found f
                          WHERE f.kind = c.kind AND f.number = c.number
                            AND f.difference = c.difference AND f.place = c.place)
        RETURNING 1
    )
    SELECT (SELECT count(*) FROM kept) AS opened, (SELECT count(*) FROM gone) AS vanished
    """
)

# What the ledger has of these days, to the fen: what their lines prove, and what no line proves
# although the bill of its day is there. `under_way` is on the bill and not yet posted by us.
CLEARING = text(
    """
    WITH posted AS (
        SELECT 'payment' AS kind, 'payment:' || p.id AS reference, l.day
        FROM bill_line l JOIN payment p ON p.out_trade_no = l.number AND p.merchant = l.merchant
        WHERE l.merchant = :merchant AND l.day BETWEEN :first AND :last AND l.kind = 'payment'
          AND l.is_proof
        UNION ALL
        SELECT 'refund', 'refund:' || r.id, l.day
        FROM bill_line l JOIN refund r ON r.out_refund_no = l.number
        WHERE l.merchant = :merchant AND l.day BETWEEN :first AND :last AND l.kind = 'refund'
          AND l.is_proof
        UNION ALL
        SELECT 'payment', 'payment:' || p.id, CAST(p.paid_at AT TIME ZONE 'Asia/Shanghai' AS date)
        FROM payment p
        WHERE p.merchant = :merchant AND p.state = 'paid'
          AND p.paid_at >= :begins AND p.paid_at < :ends
          AND NOT EXISTS (SELECT FROM bill_line l
                          WHERE l.merchant = p.merchant AND l.kind = 'payment'
                            AND l.number = p.out_trade_no AND l.is_proof)
        UNION ALL
        SELECT 'refund', 'refund:' || r.id, CAST(r.ended_at AT TIME ZONE 'Asia/Shanghai' AS date)
        FROM refund r JOIN payment p ON p.id = r.payment_id
        WHERE p.merchant = :merchant AND r.state = 'succeeded'
          AND r.ended_at >= :begins AND r.ended_at < :ends
          AND NOT EXISTS (SELECT FROM bill_line l
                          WHERE l.merchant = p.merchant AND l.kind = 'refund'
                            AND l.number = r.out_refund_no AND l.is_proof)
    )
    SELECT coalesce(-sum(e.amount_fen) FILTER (WHERE o.kind = 'payment'), 0) AS paid_fen,
           coalesce(sum(e.amount_fen) FILTER (WHERE o.kind = 'refund'), 0) AS refunded_fen,
           (SELECT coalesce(sum(l.amount_fen), 0)
            FROM bill_line l JOIN refund r ON r.out_refund_no = l.number
            WHERE l.merchant = :merchant AND l.day BETWEEN :first AND :last AND l.kind = 'refund'
              AND l.is_proof AND l.state = 'PROCESSING' AND r.state IN ('requested', 'accepted'))
               AS under_way_fen
    FROM posted o
    JOIN bill b ON b.merchant = :merchant AND b.day = o.day AND b.state IN ('checked', 'empty')
    JOIN ledger_transfer t ON t.reference = o.reference
    JOIN ledger_entry e ON e.transfer_id = t.id AND e.account = 'wechat:clearing'
    """
)
