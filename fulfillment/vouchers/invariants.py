"""What must always be true of vouchers, and what a changed row of theirs speaks of."""

from mall.kernel.invariants import Each, Invariant, Trace

TRACES = [
    Trace(
        "order",
        "pickup_voucher",
        "SELECT o.order_id FROM changed v JOIN fulfillment_order o ON o.id = v.fulfillment_order_id",
    ),
    Trace(
        "order",
        "store",
        """
        SELECT o.order_id FROM changed s JOIN pickup_voucher v ON v.store_id = s.id
        JOIN fulfillment_order o ON o.id = v.fulfillment_order_id
        """,
    ),
]
INVARIANTS = [
    Invariant(
        "vouchers_match_units",
        "each unit to collect has one voucher: used ones were handed out, others taken back",
        Each(
            "order",
            """
            SELECT f.id, f.quantity, f.dispatched_quantity, f.cancelled_quantity,
                   v.count, v.redeemed, v.gone
            FROM fulfillment_order o
            JOIN fulfillment_line f ON f.fulfillment_order_id = o.id
            CROSS JOIN LATERAL (
                SELECT count(*) AS count, count(*) FILTER (WHERE state = 'redeemed') AS redeemed,
                       count(*) FILTER (WHERE state IN ('revoked', 'expired')) AS gone
                FROM pickup_voucher WHERE fulfillment_line_id = f.id) v
            WHERE among(o.order_id) AND o.delivery_mode = 'store_pickup'
              AND o.state <> 'cancelled' AND v.count > 0
              AND (v.count <> f.quantity OR v.redeemed <> f.dispatched_quantity
                   OR v.gone <> f.cancelled_quantity)
            """,
        ),
    ),
    Invariant(
        "vouchers_of_cancelled_revoked",
        "no voucher of a cancelled order can be used",
        Each(
            "order",
            """
            SELECT v.id, v.state, o.state AS order_state FROM fulfillment_order f
            JOIN pickup_voucher v ON v.fulfillment_order_id = f.id
            JOIN shop_order o ON o.id = f.order_id
            WHERE among(f.order_id) AND v.state NOT IN ('revoked', 'expired')
              AND o.state = 'cancelled'
              AND NOT EXISTS (SELECT 1 FROM outbox_delivery d
                              WHERE d.topic = 'OrderCancelled' AND d.state = 'pending'
                                AND d.payload->>'order_id' = CAST(o.id AS text))
            """,
        ),
    ),
    Invariant(
        "vouchers_used_at_their_merchant",
        "a voucher was used at a store of the merchant who issued it",
        Each(
            "order",
            """
            SELECT v.id, v.store_id FROM fulfillment_order f
            JOIN pickup_voucher v ON v.fulfillment_order_id = f.id
            JOIN store s ON s.id = v.store_id
            WHERE among(f.order_id) AND s.supplier_id <> v.supplier_id
            """,
        ),
    ),
]
