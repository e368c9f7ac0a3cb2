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
    INSERT INTO bill_line (merchant, day, kind, number, wechat_no, amount_fen, fee_fen, state,
                           traded_at)
    SELECT :merchant, :day, l.*
    FROM unnest(CAST(:kinds AS text[]), CAST(:numbers AS text[]), CAST(:wechat_nos AS text[]),
                CAST(:amounts AS bigint[]), CAST(:fees AS bigint[]), CAST(:states AS text[]),
                CAST(:moments AS timestamptz[])) AS l
    ON CONFLICT DO NOTHING
    """
)

# What each side says of every number on the bill. A refund that our side has not seen end yet is
# no difference while WeChat is at it, too.
_SIDES = """
    SELECT l.kind, l.number, l.amount_fen AS bill_fen, l.fee_fen AS bill_fee, l.state AS bill_state,
           l.wechat_no AS bill_no,
           p.amount_fen AS our_fen, p.transaction_id AS our_no,
           CASE WHEN p.state = 'paid' THEN 'SUCCESS' ELSE p.state END AS our_state,
           round(l.amount_fen * CAST(:fee_rate AS numeric) / 10000) AS due_fee
    FROM bill_line l
    LEFT JOIN payment p ON p.out_trade_no = l.number AND p.merchant = l.merchant
    WHERE l.merchant = :merchant AND l.day = :day AND l.kind = 'payment'
    UNION ALL
    SELECT l.kind, l.number, l.amount_fen, l.fee_fen, l.state, l.wechat_no,
           r.amount_fen, r.refund_id,
           CASE WHEN r.state = 'succeeded' THEN 'SUCCESS'
                WHEN r.state IN ('accepted', 'requested') AND l.state = 'PROCESSING'
                    THEN 'PROCESSING'
                WHEN r.state IN ('failed', 'settled') AND l.state IN ('CHANGE', 'FAIL')
                    THEN l.state
                ELSE r.state END,
           -round(l.amount_fen * CAST(:fee_rate AS numeric) / 10000)
    FROM bill_line l
    LEFT JOIN (refund r JOIN payment q ON q.id = r.payment_id)
      ON r.out_refund_no = l.number AND q.merchant = l.merchant
    WHERE l.merchant = :merchant AND l.day = :day AND l.kind = 'refund'
"""

MATCH = text(
    f"""
    WITH sides AS ({_SIDES}),
    found AS (
        SELECT kind, number, 'unknown_to_us' AS difference, CAST(bill_fen AS text) AS at_wechat,
               '' AS with_us, bill_fen AS difference_fen
        FROM sides WHERE our_fen IS NULL
        UNION ALL
        SELECT kind, number, 'amount_differs', CAST(bill_fen AS text), CAST(our_fen AS text),
               bill_fen - our_fen
        FROM sides WHERE bill_fen <> our_fen
        UNION ALL
        SELECT kind, number, 'state_differs', bill_state || ' ' || bill_no,
               our_state || ' ' || coalesce(our_no, ''),
               CASE WHEN bill_state IN ('SUCCESS', 'REFUND') AND our_state <> 'SUCCESS'
                        THEN our_fen
                    WHEN bill_state NOT IN ('SUCCESS', 'REFUND', 'PROCESSING')
                         AND our_state = 'SUCCESS' THEN -our_fen
                    ELSE 0 END
        FROM sides
        WHERE our_fen IS NOT NULL
          AND NOT (bill_state = 'PROCESSING' AND our_state IN ('PROCESSING', 'SUCCESS'))
          AND (our_state <> CASE WHEN bill_state = 'REFUND' THEN 'SUCCESS' ELSE bill_state END
               OR our_no IS DISTINCT FROM bill_no)
        UNION ALL
        SELECT kind, number, 'fee_differs', CAST(bill_fee AS text), CAST(due_fee AS text), 0
        FROM sides WHERE our_fen IS NOT NULL AND bill_fee <> due_fee
        UNION ALL
        SELECT 'payment', p.out_trade_no, 'missing_at_wechat', '', CAST(p.amount_fen AS text),
               -p.amount_fen
        FROM payment p
        WHERE p.merchant = :merchant AND p.state = 'paid'
          AND p.paid_at >= :begins AND p.paid_at < :ends
          AND NOT EXISTS (SELECT FROM bill_line l
                          WHERE l.number = p.out_trade_no AND l.kind = 'payment'
                            AND l.merchant = :merchant)
        UNION ALL
        SELECT 'refund', r.out_refund_no, 'missing_at_wechat', '', CAST(r.amount_fen AS text),
               -r.amount_fen
        FROM refund r JOIN payment p ON p.id = r.payment_id
        WHERE p.merchant = :merchant AND r.state = 'succeeded'
          AND r.ended_at >= :begins AND r.ended_at < :ends
          AND NOT EXISTS (SELECT FROM bill_line l
                          WHERE l.number = r.out_refund_no AND l.kind = 'refund'
                            AND l.merchant = :merchant)
    ), kept AS (
        INSERT INTO reconciliation_case (id, merchant, day, kind, number, difference, at_wechat,
                                         with_us, difference_fen, state, found_at, changed_at)
        SELECT gen_random_uuid(), :merchant, :day, kind, number, difference, at_wechat, with_us,
               difference_fen, 'open', :now, :now
        FROM found
        ON CONFLICT (merchant, kind, number, difference) DO UPDATE
        SET at_wechat = excluded.at_wechat, with_us = excluded.with_us, day = excluded.day,
            difference_fen = excluded.difference_fen, state = 'open', note = NULL,
            explained_by = NULL, changed_at = excluded.changed_at
        WHERE reconciliation_case.state = 'vanished'
           OR (reconciliation_case.at_wechat, reconciliation_case.with_us)
              IS DISTINCT FROM (excluded.at_wechat, excluded.with_us)
        RETURNING 1
    ), gone AS (
        UPDATE reconciliation_case c
        SET state = 'vanished', note = NULL, explained_by = NULL, changed_at = :now
        WHERE c.merchant = :merchant AND c.day = :day AND c.state <> 'vanished'
          AND NOT EXISTS (SELECT FROM found f
                          WHERE f.kind = c.kind AND f.number = c.number
                            AND f.difference = c.difference)
        RETURNING 1
    )
    SELECT (SELECT count(*) FROM kept) AS opened, (SELECT count(*) FROM gone) AS vanished
    """
)

CLEARING = text(
    """
    SELECT coalesce(-sum(e.amount_fen) FILTER (WHERE l.kind = 'payment'), 0) AS paid_fen,
           coalesce(sum(e.amount_fen) FILTER (WHERE l.kind = 'refund'), 0) AS refunded_fen
    FROM bill_line l
    LEFT JOIN payment p ON l.kind = 'payment' AND p.out_trade_no = l.number
                        AND p.merchant = l.merchant
    LEFT JOIN refund r ON l.kind = 'refund' AND r.out_refund_no = l.number
    JOIN ledger_transfer t
      ON t.reference = CASE l.kind WHEN 'payment' THEN 'payment:' || p.id
                                   ELSE 'refund:' || r.id END
    JOIN ledger_entry e ON e.transfer_id = t.id AND e.account = 'wechat:clearing'
    WHERE l.merchant = :merchant AND l.day BETWEEN :first AND :last
    """
)
