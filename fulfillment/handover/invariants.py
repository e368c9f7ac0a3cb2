"""What must always be true of what came to a unit, and what a changed row of it speaks of."""

from mall.kernel.invariants import Each, Invariant, Trace

TRACES = [
    Trace("programme", "hand_out", "SELECT programme_id FROM changed"),
    Trace(
        "programme",
        "fulfillment_order",
        "SELECT p.programme_id FROM changed f JOIN order_programme p ON p.order_id = f.order_id",
    ),
    Trace(
        "order",
        "load_receipt_line",
        """
        SELECT o.order_id FROM changed r JOIN shipment s ON s.id = r.shipment_id
        JOIN fulfillment_order o ON o.id = s.fulfillment_order_id
        """,
    ),
]
INVARIANTS = [
    Invariant(
        "accepted_means_arrived",
        "of an accepted programme every fulfillment order was delivered and every entitlement has its end",
        Each(
            "programme",
            """
            SELECT p.number, f.number AS about, f.state
            FROM programme p
            JOIN order_programme c ON c.programme_id = p.id
            JOIN shop_order o ON o.id = c.order_id AND o.state IN ('paid', 'completed')
            JOIN fulfillment_order f ON f.order_id = o.id
            WHERE among(p.id) AND p.state IN ('accepted', 'archived')
              AND f.state NOT IN ('delivered', 'cancelled')
            """,
        ),
        Each(
            "programme",
            """
            SELECT p.number, t.name, t.state
            FROM programme p JOIN entitlement t ON t.programme_id = p.id
            WHERE among(p.id) AND p.state IN ('accepted', 'archived')
              AND t.state IN ('listed', 'waiting', 'open')
            """,
        ),
    ),
    Invariant(
        "archived_is_empty",
        "an archived programme has nothing on its lots, and in its fund only what came back since",
        Each(
            "programme",
            """
            SELECT p.number, f.balance_fen FROM programme p JOIN ledger_fund f ON f.id = p.id
            WHERE among(p.id) AND p.state = 'archived' AND f.balance_fen > coalesce(
                (SELECT sum(returned_fen) FROM order_programme WHERE programme_id = p.id), 0)
            """,
        ),
        Each(
            "programme",
            """
            SELECT p.number, l.balance_fen
            FROM programme p JOIN bean_lot l ON l.programme_id = p.id
            WHERE among(p.id) AND p.state = 'archived' AND l.balance_fen <> 0
            """,
        ),
    ),
    Invariant(
        "receipts_within_parcels",
        "a receipt counts what its parcel held, and what was short or broken was claimed",
        Each(
            "order",
            """
            SELECT r.shipment_id, r.fulfillment_line_id, r.sent, l.quantity
            FROM fulfillment_order o
            JOIN shipment s ON s.fulfillment_order_id = o.id
            JOIN load_receipt_line r ON r.shipment_id = s.id
            LEFT JOIN shipment_line l ON l.shipment_id = r.shipment_id
              AND l.fulfillment_line_id = r.fulfillment_line_id
            WHERE among(o.order_id) AND l.quantity IS DISTINCT FROM r.sent
            """,
        ),
        Each(
            "order",
            """
            SELECT f.id, f.order_line_id, sum(r.sent - r.received), c.claimed
            FROM fulfillment_order o
            JOIN shipment s ON s.fulfillment_order_id = o.id
            JOIN load_receipt_line r ON r.shipment_id = s.id
            JOIN fulfillment_line f ON f.id = r.fulfillment_line_id AND NOT f.is_replacement
            CROSS JOIN LATERAL (SELECT coalesce(sum(quantity), 0) AS claimed FROM after_sales_case
                                WHERE order_line_id = f.order_line_id AND NOT needs_return) c
            WHERE among(o.order_id)
            GROUP BY f.id, f.order_line_id, c.claimed
            HAVING sum(r.sent - r.received) > c.claimed
            """,
        ),
    ),
    Invariant(
        "hand_outs_have_shares",
        "what was recorded at a unit is the share of somebody who has one",
        Each(
            "programme",
            """
            SELECT h.entitlement_id, h.state, t.state AS entitlement_state FROM hand_out h
            LEFT JOIN entitlement t ON t.id = h.entitlement_id AND t.programme_id = h.programme_id
            WHERE among(h.programme_id) AND (t.id IS NULL OR t.order_id IS NULL)
            """,
        ),
    ),
]
