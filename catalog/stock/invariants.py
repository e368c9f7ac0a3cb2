"""What must always be true of stock, and what a changed row of it speaks of."""

from mall.kernel.invariants import Invariant, Subject, Sum, Sums, Trace, Whole

# A movement by what caused it: a sale by its order.
SUBJECTS = [Subject("movement", "text", "stock_movement", "reference")]
SUMS = [
    Sum(
        "stock",
        "movement",
        """
        SELECT CAST(m.sku_id AS text) AS key, m.quantity AS amount
        FROM stock_movement m WHERE among(m.reference) AND written(m)
        """,
    )
]
TRACES = [
    Trace("movement", "stock_movement", "SELECT reference FROM changed"),
    Trace(
        "order",
        "stock_movement",
        """
        SELECT CAST(substr(reference, 7) AS uuid) FROM changed
        WHERE reference ~ '^order:[0-9a-f-]{36}$'
        """,
    ),
]
INVARIANTS = [
    Invariant(
        "stock_reserved",
        "what a SKU has reserved is the sum of its held reservations",
        Whole(
            "there is a level for each SKU, and what is held is found by its index",
            """
            SELECT s.sku_id, s.reserved, coalesce(sum(r.quantity), 0)
            FROM stock_level s LEFT JOIN reservation r ON r.sku_id = s.sku_id AND r.state = 'held'
            GROUP BY s.sku_id HAVING s.reserved <> coalesce(sum(r.quantity), 0)
            """,
        ),
    ),
    Invariant(
        "stock_on_hand",
        "what is on hand is the sum of its movements and never less than reserved",
        Sums(
            """
            SELECT s.sku_id, s.on_hand, coalesce(m.amount, 0)
            FROM stock_level s LEFT JOIN total(stock) m ON m.key = CAST(s.sku_id AS text)
            WHERE s.on_hand <> coalesce(m.amount, 0) OR s.reserved > s.on_hand
            """
        ),
    ),
]
