"""The share of a combined write that splits an order.

However often it comes, an order splits once: its lines follow only the fulfillment orders that
this statement itself opened, and these are unique for order, supplier and delivery mode.
"""

from mall.kernel.together import WriteFragment

SPLIT = WriteFragment(
    "split",
    """
    split_opened AS (
        INSERT INTO fulfillment_order
        SELECT * FROM jsonb_populate_recordset(
            CAST(NULL AS fulfillment_order), CAST(:split_orders AS jsonb))
        ON CONFLICT (order_id, supplier_id, delivery_mode, case_id) DO NOTHING
        RETURNING id
    ), split_filled AS (
        INSERT INTO fulfillment_line
        SELECT l.* FROM jsonb_populate_recordset(
            CAST(NULL AS fulfillment_line), CAST(:split_lines AS jsonb)) l
        JOIN split_opened o ON o.id = l.fulfillment_order_id
    )""",
)
