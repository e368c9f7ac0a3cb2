"""What must always be true of what is collected at stores, and what a changed row speaks of."""

from mall.kernel.invariants import Each, Invariant, Trace

TRACES = [
    Trace("order", "pickup_choice", "SELECT order_id FROM changed"),
    Trace(
        "order",
        "store",
        "SELECT p.order_id FROM changed s JOIN pickup_choice p ON p.store_id = s.id",
    ),
]
INVARIANTS = [
    Invariant(
        "choices_within_their_merchant",
        "what is collected was chosen at a store of the merchant who sold it, by who bought it",
        Each(
            "order",
            """
            SELECT c.order_id, c.store_id, c.supplier_id
            FROM pickup_choice c
            JOIN store s ON s.id = c.store_id
            JOIN shop_order o ON o.id = c.order_id
            WHERE among(c.order_id)
              AND (s.supplier_id <> c.supplier_id OR o.member_id <> c.member_id)
            """,
        ),
    ),
]
