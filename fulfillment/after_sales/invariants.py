"""What must always be true of cases after a sale, and what a changed row of theirs speaks of."""

from mall.kernel.invariants import Each, Invariant, Trace

TRACES = [Trace("order", "after_sales_case", "SELECT order_id FROM changed")]
INVARIANTS = [
    Invariant(
        "cases_refunded_once",
        "a case that was refunded gave back exactly that once, any other nothing",
        Each(
            "order",
            """
            SELECT coalesce(c.number, r.reference), c.state, c.refunded_fen, r.amount_fen
            FROM (SELECT * FROM after_sales_case WHERE among(order_id)) c
            FULL JOIN (SELECT reference, amount_fen FROM reimbursement
                       WHERE among(order_id) AND reference LIKE 'case:%') r
              ON r.reference = 'case:' || c.id
            WHERE c.refunded_fen IS DISTINCT FROM r.amount_fen
            """,
        ),
    ),
    Invariant(
        "cases_within_line",
        "no more units of a line are in cases than it has, none that left is asked back twice,"
        " and none is asked back while what replaces it has not left",
        Each(
            "order",
            """
            SELECT f.order_line_id, f.quantity, f.dispatched_quantity, c.sent, c.unsent, r.waiting
            FROM fulfillment_order o
            JOIN fulfillment_line f ON f.fulfillment_order_id = o.id AND NOT f.is_replacement
            JOIN LATERAL (
                SELECT coalesce(sum(quantity) FILTER (WHERE NOT is_unsent), 0) AS sent,
                       coalesce(sum(quantity) FILTER (WHERE is_unsent), 0) AS unsent
                FROM after_sales_case
                WHERE order_line_id = f.order_line_id
                  AND state NOT IN ('replaced', 'withdrawn', 'dismissed', 'lapsed')) c ON true
            JOIN LATERAL (
                SELECT coalesce(sum(quantity - dispatched_quantity), 0) AS waiting
                FROM fulfillment_line
                WHERE order_line_id = f.order_line_id AND is_replacement) r ON true
            WHERE among(o.order_id)
              AND (c.sent + c.unsent > f.quantity OR c.sent + r.waiting > f.dispatched_quantity)
            """,
        ),
    ),
    Invariant(
        "held_units_asked_back",
        "units are held back from dispatch exactly for the cases that ask for them",
        Each(
            "order",
            """
            SELECT f.id, f.held_quantity, c.held
            FROM fulfillment_order o JOIN fulfillment_line f ON f.fulfillment_order_id = o.id
            LEFT JOIN (SELECT order_line_id, fulfillment_order_id, sum(held) AS held
                       FROM after_sales_case WHERE among(order_id) GROUP BY 1, 2) c
              ON c.order_line_id = f.order_line_id
              AND c.fulfillment_order_id = f.fulfillment_order_id
            WHERE among(o.order_id) AND f.held_quantity <> coalesce(c.held, 0)
            """,
        ),
    ),
    Invariant(
        "unsent_units_taken_out",
        "units that went back before they left are out of their fulfillment order, and no others",
        Each(
            "order",
            """
            SELECT f.order_line_id, f.cancelled, b.unsent
            FROM (SELECT f.order_line_id, sum(f.cancelled_quantity) AS cancelled
                  FROM fulfillment_order o JOIN fulfillment_line f ON f.fulfillment_order_id = o.id
                  WHERE among(o.order_id) GROUP BY 1) f
            LEFT JOIN (SELECT order_line_id, sum(unsent) AS unsent FROM reimbursement
                       WHERE among(order_id) GROUP BY order_line_id) b
              ON b.order_line_id = f.order_line_id
            WHERE f.cancelled <> coalesce(b.unsent, 0)
            """,
        ),
    ),
    Invariant(
        "exchanges_sent_once",
        "every exchange has its one fulfillment order, and every such order its exchange",
        Each(
            "order",
            """
            SELECT coalesce(c.number, f.number), c.replacement_id, f.id
            FROM (SELECT * FROM after_sales_case
                  WHERE among(order_id) AND state = 'replaced') c
            FULL JOIN (SELECT * FROM fulfillment_order
                       WHERE among(order_id) AND case_id IS NOT NULL) f ON f.case_id = c.id
            WHERE c.replacement_id IS DISTINCT FROM f.id
            """,
        ),
    ),
]
