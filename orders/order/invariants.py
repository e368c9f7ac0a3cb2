"""What must always be true of orders, and what a changed row of theirs speaks of."""

from mall.kernel.invariants import Each, Follow, Invariant, Subject, Trace

# What an order bought and gave up, of any of the sales of this movement.
_ORDER_OF_MOVEMENT = """CASE WHEN m.reference ~ '^order:[0-9a-f-]{36}$'
                             THEN CAST(substr(m.reference, 7) AS uuid) END"""

SUBJECTS = [Subject("order", "uuid", "shop_order", "id")]
TRACES = [
    Trace("order", "shop_order", "SELECT id FROM changed"),
    Trace("order", "order_line", "SELECT order_id FROM changed"),
    Trace("order", "order_programme", "SELECT order_id FROM changed"),
    Trace("order", "reservation", "SELECT order_id FROM changed"),
    Trace("movement", "shop_order", "SELECT 'order:' || id FROM changed"),
    Trace("programme", "order_programme", "SELECT programme_id FROM changed"),
    Follow(
        "programme",
        "order",
        "SELECT p.programme_id FROM changed JOIN order_programme p ON p.order_id = key",
    ),
]
INVARIANTS = [
    Invariant(
        "order_totals",
        "an order's goods and tenders are the sums over its lines and freight",
        Each(
            "order",
            """
            SELECT o.order_no, o.goods_fen, l.amount, o.beans_fen, l.beans + f.beans
            FROM shop_order o
            LEFT JOIN (SELECT order_id, sum(amount_fen) AS amount, sum(beans_fen) AS beans
                       FROM order_line WHERE among(order_id) GROUP BY order_id) l
              ON l.order_id = o.id
            CROSS JOIN LATERAL (SELECT coalesce(sum(CAST(x->>'fee_fen' AS bigint)), 0) AS fee,
                                       coalesce(sum(CAST(x->>'beans_fen' AS bigint)), 0) AS beans
                                FROM jsonb_array_elements(o.freight) x
                                WHERE o.freight <> '[]') f
            WHERE among(o.id) AND (o.goods_fen <> coalesce(l.amount, 0) OR o.freight_fen <> f.fee
               OR o.beans_fen <> coalesce(l.beans, 0) + f.beans)
            """,
        ),
    ),
    Invariant(
        "order_beans",
        "the beans of an order are spent once it is paid, held while it waits, free once cancelled",
        Each(
            "order",
            """
            SELECT o.order_no, o.state, o.beans_fen, s.spent, h.held
            FROM shop_order o
            LEFT JOIN (
                SELECT p.id, sum(e.amount_fen) AS spent
                FROM (SELECT id AS transfer_id, split_part(reference, ':', 2) AS id
                      FROM ledger_transfer
                      WHERE named(spend:, reference) OR named(capture:, reference)
                         OR named(unspend:, reference)
                      UNION ALL
                      SELECT t.id, CAST(r.order_id AS text)
                      FROM reimbursement r
                      JOIN ledger_transfer t ON t.reference = 'unspend:' || r.id
                      WHERE among(r.order_id)) p
                JOIN ledger_entry e ON e.transfer_id = p.transfer_id AND e.account = 'sales:beans'
                GROUP BY p.id) s ON s.id = CAST(o.id AS text)
            LEFT JOIN (SELECT order_id, sum(amount_fen) AS held FROM bean_hold
                       WHERE among(order_id) AND state = 'held' GROUP BY order_id) h
              ON h.order_id = o.id
            WHERE among(o.id)
              AND (coalesce(s.spent, 0), coalesce(h.held, 0)) <> (
                  CASE WHEN o.state IN ('paid', 'completed')
                       THEN o.beans_fen - o.refunded_beans_fen ELSE 0 END,
                  CASE WHEN o.state = 'awaiting_payment' THEN o.beans_fen ELSE 0 END)
            """,
        ),
    ),
    Invariant(
        "programme_orders",
        "what paid orders took of a programme is what was spent of its lots, and no order more",
        Each(
            "programme",
            """
            SELECT programme_id, c.taken, s.spent, k.captured
            FROM (SELECT p.programme_id, sum(p.amount_fen - p.returned_fen) AS taken
                  FROM order_programme p JOIN shop_order o ON o.id = p.order_id
                  WHERE among(p.programme_id) AND o.state IN ('paid', 'completed')
                  GROUP BY 1) c
            FULL JOIN (
                SELECT l.programme_id, -sum(e.amount_fen) AS spent
                FROM bean_lot l
                JOIN ledger_entry e ON e.member_id = l.member_id AND e.account = 'lot:' || l.id
                JOIN ledger_transfer t ON t.id = e.transfer_id AND t.kind IN ('spend', 'unspend')
                WHERE among(l.programme_id) AND l.programme_id IS NOT NULL
                GROUP BY 1 HAVING sum(e.amount_fen) <> 0) s USING (programme_id)
            FULL JOIN (
                SELECT l.programme_id, sum(h.amount_fen) AS captured
                FROM bean_lot l JOIN bean_hold h ON h.lot_id = l.id AND h.state = 'captured'
                WHERE among(l.programme_id) AND l.programme_id IS NOT NULL
                GROUP BY 1) k USING (programme_id)
            WHERE coalesce(c.taken, 0) <> coalesce(s.spent, 0) + coalesce(k.captured, 0)
            """,
        ),
    ),
    Invariant(
        "order_reservations",
        "stock is reserved exactly for the lines of orders that wait for payment",
        Each(
            "order",
            """
            SELECT coalesce(a.order_id, r.order_id), a.quantity, r.quantity
            FROM (SELECT l.order_id, l.sku_id, sum(l.quantity) AS quantity
                  FROM order_line l JOIN shop_order o ON o.id = l.order_id
                  WHERE among(o.id) AND o.state = 'awaiting_payment' GROUP BY 1, 2) a
            FULL JOIN (SELECT order_id, sku_id, quantity FROM reservation
                       WHERE among(order_id) AND state = 'held') r
              ON r.order_id = a.order_id AND r.sku_id = a.sku_id
            WHERE a.quantity IS DISTINCT FROM r.quantity
            """,
        ),
    ),
    Invariant(
        "order_sales",
        "paid orders moved exactly their units out of stock, others none",
        Each(
            "order",
            """
            SELECT o.order_no, o.state, l.quantity, b.unsent, m.quantity
            FROM shop_order o
            LEFT JOIN (SELECT order_id, sum(quantity) AS quantity FROM order_line
                       WHERE among(order_id) GROUP BY order_id) l ON l.order_id = o.id
            LEFT JOIN (SELECT order_id, sum(unsent) AS unsent FROM reimbursement
                       WHERE among(order_id) AND order_line_id IS NOT NULL
                       GROUP BY order_id) b ON b.order_id = o.id
            LEFT JOIN (SELECT reference, -sum(quantity) AS quantity FROM stock_movement
                       WHERE named(order:, reference) AND cause IN ('sale', 'cancellation')
                       GROUP BY reference) m ON m.reference = 'order:' || o.id
            WHERE among(o.id)
              AND coalesce(m.quantity, 0) <> CASE
                      WHEN o.state IN ('paid', 'completed')
                      THEN coalesce(l.quantity, 0) - coalesce(b.unsent, 0) ELSE 0 END
            """,
        ),
        Each(
            "movement",
            f"""
            SELECT m.reference, m.quantity FROM stock_movement m
            LEFT JOIN shop_order o ON o.id = {_ORDER_OF_MOVEMENT}
            WHERE among(m.reference) AND m.cause IN ('sale', 'cancellation') AND o.id IS NULL
            """,
        ),
    ),
]
