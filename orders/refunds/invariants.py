"""What must always be true of what goes back, and what a changed row of it speaks of."""

from mall.kernel.invariants import Each, Follow, Invariant, Sums, Trace

_REFUND_OF_TRANSFER = """CASE WHEN t.reference ~ '^refund:[0-9a-f-]{36}$'
                              THEN CAST(substr(t.reference, 8) AS uuid) END"""
_ACCOUNT = "CASE r.state WHEN 'succeeded' THEN 'wechat:clearing' ELSE 'refunds:elsewhere' END"

TRACES = [
    Trace("number", "refund", "SELECT out_refund_no FROM changed"),
    Trace(
        "order", "refund", "SELECT p.order_id FROM changed r JOIN payment p ON p.id = r.payment_id"
    ),
    Trace("order", "reimbursement", "SELECT order_id FROM changed"),
    Trace(
        "transfer",
        "refund",
        "SELECT t.id FROM changed r JOIN ledger_transfer t ON t.reference = 'refund:' || r.id",
    ),
    Trace(
        "number",
        "payment",
        "SELECT r.out_refund_no FROM changed p JOIN refund r ON r.payment_id = p.id",
    ),
    Follow(
        "number",
        "transfer",
        f"""
        SELECT r.out_refund_no FROM changed JOIN ledger_transfer t ON t.id = key
        JOIN refund r ON r.id = {_REFUND_OF_TRANSFER}
        """,
    ),
    Trace(
        "number",
        "value_act",
        """
        SELECT r.out_refund_no FROM changed v JOIN refund r ON v.subject = CAST(r.id AS text)
        WHERE v.kind = 'settle_refund'
        """,
    ),
    # Beans that came back of a part of an order are posted under the reimbursement.
    Follow(
        "order",
        "transfer",
        """
        SELECT r.order_id FROM changed JOIN ledger_transfer t ON t.id = key
        JOIN reimbursement r ON r.id = CAST(substr(t.reference, 9) AS uuid)
        WHERE t.reference ~ '^unspend:[0-9a-f-]{36}$'
        """,
    ),
]
INVARIANTS = [
    Invariant(
        "settled_refunds_on_record",
        "a refund paid another way stands on record with who entered it and who confirmed it",
        Each(
            "number",
            """
            SELECT r.out_refund_no, r.amount_fen FROM refund r
            WHERE among(r.out_refund_no) AND r.state = 'settled' AND NOT EXISTS (
                SELECT FROM value_act v
                WHERE v.kind = 'settle_refund' AND v.amount_fen = r.amount_fen
                AND v.subject = CAST(r.id AS text) AND v.state IN ('alone', 'confirmed'))
            """,
        ),
    ),
    Invariant(
        "refunds_within_payment",
        "no payment gives back more than it brought; late ones are given back whole",
        Each(
            "order",
            """
            SELECT p.out_trade_no, p.amount_fen, sum(r.amount_fen)
            FROM payment p JOIN refund r ON r.payment_id = p.id AND r.state <> 'failed'
            WHERE among(p.order_id)
            GROUP BY p.id HAVING sum(r.amount_fen) > p.amount_fen
            """,
        ),
    ),
    Invariant(
        "refunds_posted",
        "every refund that was paid is posted once, to WeChat's clearing account or elsewhere",
        Each(
            "number",
            f"""
            SELECT r.out_refund_no, r.state, r.amount_fen, e.amount_fen
            FROM refund r
            LEFT JOIN ledger_transfer t ON t.reference = 'refund:' || r.id
            LEFT JOIN ledger_entry e ON e.transfer_id = t.id AND e.account = {_ACCOUNT}
            WHERE among(r.out_refund_no) AND r.state IN ('succeeded', 'settled')
              AND r.amount_fen IS DISTINCT FROM e.amount_fen
            """,
        ),
        Each(
            "transfer",
            f"""
            SELECT t.reference, r.state, r.amount_fen, e.amount_fen
            FROM ledger_transfer t
            JOIN ledger_entry e ON e.transfer_id = t.id
              AND e.account IN ('wechat:clearing', 'refunds:elsewhere')
            LEFT JOIN refund r ON r.id = {_REFUND_OF_TRANSFER}
              AND r.state IN ('succeeded', 'settled') AND e.account = {_ACCOUNT}
            WHERE among(t.id) AND t.reference LIKE 'refund:%'
              AND r.amount_fen IS DISTINCT FROM e.amount_fen
            """,
        ),
    ),
    Invariant(
        "refunds_owed",
        "what is owed over WeChat is the sum of the refunds not yet paid out, late ones apart",
        Sums(
            """
            SELECT a.owed, r.open
            FROM (SELECT coalesce(sum(amount), 0) AS owed FROM total(accounts) a
                  WHERE key IN ('cny wechat:owed', 'beans wechat:owed')) a
            CROSS JOIN (SELECT coalesce(sum(amount_fen), 0) AS open FROM refund
                        WHERE purpose <> 'late' AND state NOT IN ('succeeded', 'settled')) r
            WHERE a.owed <> r.open
            """
        ),
    ),
    Invariant(
        "late_payments_go_back",
        "every late payment has its refund, or the message that will make it",
        Each(
            "order",
            """
            SELECT p.out_trade_no FROM payment p
            WHERE among(p.order_id) AND p.is_late
              AND NOT EXISTS (SELECT 1 FROM refund r
                              WHERE r.payment_id = p.id AND r.amount_fen = p.amount_fen)
              AND NOT EXISTS (SELECT 1 FROM outbox_delivery d
                              WHERE d.topic = 'LatePaymentReceived' AND d.state = 'pending'
                                AND d.payload->>'payment_id' = CAST(p.id AS text))
            """,
        ),
    ),
    Invariant(
        "reimbursed_by_tender",
        "what went back of an order's tenders is the sum over its lines and freight, and the refunds",
        Each(
            "order",
            """
            SELECT o.order_no, o.refunded_beans_fen, b.beans, o.refunded_wechat_fen, b.wechat,
                   r.wechat
            FROM shop_order o
            LEFT JOIN (SELECT order_id, sum(beans_fen) AS beans, sum(wechat_fen) AS wechat
                       FROM reimbursement WHERE among(order_id) GROUP BY order_id) b
              ON b.order_id = o.id
            LEFT JOIN (SELECT p.order_id, sum(f.amount_fen) AS wechat FROM payment p
                       JOIN refund f ON f.payment_id = p.id AND f.purpose = 'after_sales'
                       WHERE among(p.order_id) GROUP BY p.order_id) r ON r.order_id = o.id
            WHERE among(o.id) AND (o.refunded_beans_fen <> coalesce(b.beans, 0)
               OR o.refunded_wechat_fen <> coalesce(b.wechat, 0)
               OR coalesce(b.wechat, 0) <> coalesce(r.wechat, 0))
            """,
        ),
    ),
    Invariant(
        "never_more_back_than_paid",
        "no line gives back more of any lot, or of WeChat, than it took, nor more units than it had",
        Each(
            "order",
            """
            SELECT b.order_id, b.order_line_id, l.wechat_fen, b.wechat_fen
            FROM (SELECT order_id, order_line_id, sum(wechat_fen) AS wechat_fen,
                         sum(unsent) AS unsent
                  FROM reimbursement WHERE among(order_id) AND order_line_id IS NOT NULL
                  GROUP BY 1, 2) b
            LEFT JOIN order_line l ON l.order_id = b.order_id AND l.id = b.order_line_id
            WHERE b.wechat_fen > coalesce(l.wechat_fen, 0) OR b.unsent > coalesce(l.quantity, 0)
            """,
        ),
        Each(
            "order",
            """
            SELECT b.order_id, b.order_line_id, b.lot_id, coalesce(t.fen, 0), b.fen
            FROM (SELECT b.order_id, b.order_line_id, x->>'lot_id' AS lot_id,
                         sum(CAST(x->>'amount_fen' AS bigint)) AS fen
                  FROM reimbursement b CROSS JOIN jsonb_array_elements(b.bean_lots) x
                  WHERE among(b.order_id) AND b.order_line_id IS NOT NULL
                  GROUP BY 1, 2, 3) b
            LEFT JOIN order_line l ON l.order_id = b.order_id AND l.id = b.order_line_id
            LEFT JOIN LATERAL (
                SELECT sum(CAST(x->>'amount_fen' AS bigint)) AS fen
                FROM jsonb_array_elements(l.bean_lots) x WHERE x->>'lot_id' = b.lot_id) t ON true
            WHERE b.fen > coalesce(t.fen, 0)
            """,
        ),
    ),
]
