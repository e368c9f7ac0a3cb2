"""What must always be true of what suppliers earn, and what a changed row of it speaks of."""

from mall.kernel.invariants import Each, Invariant, Subject, Sums, Trace, Whole

_WAITS = """
    NOT EXISTS (SELECT 1 FROM outbox_delivery d WHERE d.state = 'pending'
                AND (d.topic = 'FulfillmentOrderDelivered' AND d.payload->>'order_id' = CAST(o.id AS text)
                     OR d.topic = 'LineReimbursed' AND d.payload->>'order_id' = CAST(o.id AS text)))
"""
SUBJECTS = [Subject("statement", "uuid", "settlement_statement", "id")]
TRACES = [
    Trace("statement", "settlement_statement", "SELECT id FROM changed"),
    Trace("statement", "settlement_item", "SELECT statement_id FROM changed"),
    Trace("order", "settlement_item", "SELECT order_id FROM changed"),
]
INVARIANTS = [
    Invariant(
        "settled_on_record",
        "a payment of a statement and an adjustment stand on record with who entered and confirmed",
        Whole(
            "a supplier has a statement a month",
            """
            SELECT s.number, s.net_fen FROM settlement_statement s
            WHERE s.state = 'paid' AND NOT EXISTS (
                SELECT FROM value_act v
                WHERE v.kind = 'statement_payment' AND v.amount_fen = s.net_fen
                AND v.subject = CAST(s.id AS text) AND v.state IN ('alone', 'confirmed'))
            """,
        ),
        Whole(
            "operators correct few items, and an index has those",
            """
            SELECT i.reference, i.net_fen FROM settlement_item i
            WHERE i.kind = 'adjustment' AND NOT EXISTS (
                SELECT FROM value_act v
                WHERE v.kind = 'adjustment' AND v.amount_fen = abs(i.net_fen)
                AND v.result->>'id' = CAST(i.id AS text) AND v.state IN ('alone', 'confirmed'))
            """,
        ),
    ),
    Invariant(
        "suppliers_owed_what_is_unpaid",
        "what a supplier's account holds is its open items and its statements that are not paid",
        Sums(
            """
            SELECT key, a.amount, i.owed
            FROM (SELECT key, amount FROM total(accounts) t WHERE key LIKE 'cny supplier:%') a
            FULL JOIN (
                SELECT 'cny supplier:' || supplier_id AS key, sum(net_fen) AS owed
                FROM (SELECT supplier_id, net_fen FROM settlement_item
                      WHERE statement_id IS NULL
                      UNION ALL
                      SELECT i.supplier_id, i.net_fen FROM settlement_statement s
                      JOIN settlement_item i ON i.statement_id = s.id
                      WHERE s.state <> 'paid') unpaid
                GROUP BY supplier_id) i USING (key)
            WHERE coalesce(a.amount, 0) <> coalesce(i.owed, 0)
            """
        ),
    ),
    Invariant(
        "statements_add_up",
        "a statement is the sum of its items, all of its own supplier and within its period",
        Each(
            "statement",
            """
            SELECT s.number, s.net_fen, s.item_count, i.net, i.count FROM settlement_statement s
            CROSS JOIN LATERAL (
                SELECT coalesce(sum(net_fen), 0) AS net, count(*) AS count,
                       count(*) FILTER (WHERE supplier_id <> s.supplier_id OR happened_at >=
                           CAST(s.ends_on + 1 AS timestamp) AT TIME ZONE 'Asia/Shanghai') AS strange
                FROM settlement_item WHERE statement_id = s.id) i
            WHERE among(s.id) AND (
                  s.state <> 'withdrawn' AND (s.net_fen <> i.net OR s.item_count <> i.count)
               OR s.state = 'withdrawn' AND i.count > 0 OR i.strange > 0)
            """,
        ),
    ),
    Invariant(
        "delivered_lines_are_settled",
        "the items of a delivered line sum to what it cost less what went back of it",
        Each(
            "order",
            f"""
            SELECT o.order_no, l.id, l.amount_fen, b.back, i.sum FROM fulfillment_order p
            JOIN fulfillment_line f ON f.fulfillment_order_id = p.id AND NOT f.is_replacement
            JOIN shop_order o ON o.id = p.order_id
            JOIN order_line l ON l.order_id = o.id AND l.id = f.order_line_id
            LEFT JOIN (SELECT order_id, order_line_id, sum(amount_fen) AS back FROM reimbursement
                       WHERE among(order_id) GROUP BY 1, 2) b
              ON b.order_id = o.id AND b.order_line_id = l.id
            LEFT JOIN (SELECT order_id, order_line_id, sum(amount_fen) AS sum FROM settlement_item
                       WHERE among(order_id) GROUP BY 1, 2) i
              ON i.order_id = o.id AND i.order_line_id = l.id
            WHERE among(p.order_id) AND among(o.id) AND among(l.order_id)
              AND p.state = 'delivered'
              AND coalesce(i.sum, 0) <> l.amount_fen - coalesce(b.back, 0) AND {_WAITS}
            """,
        ),
    ),
    Invariant(
        "freight_is_settled",
        "freight of what was delivered is owed to its supplier, less what went back of it",
        Each(
            "order",
            f"""
            SELECT o.order_no, x.supplier_id, x.fee, b.back, i.sum FROM shop_order o
            CROSS JOIN LATERAL jsonb_array_elements(o.freight) AS fee(value)
            CROSS JOIN LATERAL (SELECT CAST(fee.value->>'supplier_id' AS uuid) AS supplier_id,
                                       CAST(fee.value->>'fee_fen' AS bigint) AS fee) x
            CROSS JOIN LATERAL (SELECT coalesce(sum(amount_fen), 0) AS back FROM reimbursement
                                WHERE order_id = o.id AND order_line_id IS NULL
                                  AND supplier_id = x.supplier_id) b
            CROSS JOIN LATERAL (SELECT coalesce(sum(amount_fen), 0) AS sum FROM settlement_item
                                WHERE order_id = o.id AND supplier_id = x.supplier_id
                                  AND kind IN ('freight', 'freight_refund')) i
            WHERE among(o.id) AND o.freight <> '[]' AND EXISTS (
                      SELECT FROM fulfillment_order p WHERE p.order_id = o.id
                      AND p.supplier_id = x.supplier_id AND p.state = 'delivered'
                      AND p.case_id IS NULL AND p.delivery_mode <> 'store_pickup')
              AND x.fee > 0 AND i.sum <> x.fee - b.back AND {_WAITS}
            """,
        ),
    ),
    Invariant(
        "commission_as_sold",
        "every item of a line bears the commission that the line was sold at",
        Each(
            "order",
            """
            SELECT i.reference, i.commission_bps, l.commission_bps
            FROM settlement_item i
            JOIN order_line l ON l.order_id = i.order_id AND l.id = i.order_line_id
            WHERE among(i.order_id) AND among(l.order_id) AND i.commission_bps <> l.commission_bps
            """,
        ),
    ),
]
