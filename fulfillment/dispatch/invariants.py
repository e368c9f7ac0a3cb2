"""What must always be true of fulfillment orders, and what a changed row of theirs speaks of."""

from mall.kernel.invariants import Each, Invariant, Trace

TRACES = [
    Trace("order", "fulfillment_order", "SELECT order_id FROM changed"),
    Trace(
        "order",
        "fulfillment_line",
        "SELECT f.order_id FROM changed l JOIN fulfillment_order f ON f.id = l.fulfillment_order_id",
    ),
    # Messages about an order, done or not.
    Trace("order", "outbox_delivery", "SELECT CAST(payload->>'order_id' AS uuid) FROM changed"),
]
INVARIANTS = [
    Invariant(
        "paid_orders_fulfilled_once",
        "every line of a paid order is in exactly one fulfillment order, or its message waits",
        Each(
            "order",
            """
            SELECT o.order_no, l.id, count(f.id) FROM shop_order o
            JOIN order_line l ON l.order_id = o.id
            LEFT JOIN fulfillment_line f
              ON f.order_line_id = l.id AND f.quantity = l.quantity AND NOT f.is_replacement
            WHERE among(o.id) AND among(l.order_id) AND o.state IN ('paid', 'completed')
              AND NOT EXISTS (SELECT 1 FROM outbox_delivery d
                              WHERE d.topic = 'OrderPaid' AND d.state = 'pending'
                                AND d.payload->>'order_id' = CAST(o.id AS text))
            GROUP BY o.order_no, l.id HAVING count(f.id) <> 1
            """,
        ),
    ),
    Invariant(
        "unpaid_orders_not_fulfilled",
        "nothing is fulfilled for an order that is not paid",
        Each(
            "order",
            """
            SELECT f.number, o.state FROM fulfillment_order f
            LEFT JOIN shop_order o ON o.id = f.order_id
            WHERE among(f.order_id) AND f.state <> 'cancelled'
              AND (o.id IS NULL OR o.state NOT IN ('paid', 'completed'))
              AND NOT EXISTS (SELECT 1 FROM outbox_delivery d
                              WHERE d.topic = 'OrderCancelled' AND d.state = 'pending'
                                AND d.payload->>'order_id' = CAST(f.order_id AS text))
            """,
        ),
    ),
    Invariant(
        "dispatched_quantities",
        "what was dispatched of a line is the sum over its parcels and the vouchers that were used",
        Each(
            "order",
            """
            SELECT f.id, f.dispatched_quantity, s.sent, v.used
            FROM fulfillment_order o JOIN fulfillment_line f ON f.fulfillment_order_id = o.id
            CROSS JOIN LATERAL (SELECT coalesce(sum(quantity), 0) AS sent FROM shipment_line
                                WHERE fulfillment_line_id = f.id) s
            CROSS JOIN LATERAL (SELECT count(*) AS used FROM pickup_voucher
                                WHERE fulfillment_line_id = f.id AND state = 'redeemed') v
            WHERE among(o.order_id) AND f.dispatched_quantity <> s.sent + v.used
            """,
        ),
    ),
    Invariant(
        "completed_means_delivered",
        "an order is completed exactly when every fulfillment order of it was delivered, but what was cancelled",
        Each(
            "order",
            """
            SELECT o.order_no, o.state, count(*) FILTER (WHERE f.state <> 'delivered')
            FROM shop_order o
            JOIN fulfillment_order f ON f.order_id = o.id AND f.case_id IS NULL
            WHERE among(o.id) AND among(f.order_id)
            GROUP BY o.id
            HAVING (o.state = 'completed') <> (
                count(*) FILTER (WHERE f.state NOT IN ('delivered', 'cancelled')) = 0
                AND count(*) FILTER (WHERE f.state = 'delivered') > 0)
            """,
        ),
    ),
]
