"""The shares of a combined write that open an order with its lines and history."""

from mall.kernel.together import WriteFragment

OPEN_ORDER = WriteFragment(
    "order",
    """
    order_placed AS (
        INSERT INTO shop_order
        SELECT * FROM jsonb_populate_record(CAST(NULL AS shop_order), CAST(:order_row AS jsonb))
    ), order_lines AS (
        INSERT INTO order_line
        SELECT * FROM jsonb_populate_recordset(
            CAST(NULL AS order_line), CAST(:order_lines AS jsonb))
    ), order_events AS (
        INSERT INTO order_event
        SELECT * FROM jsonb_populate_recordset(
            CAST(NULL AS order_event), CAST(:order_events AS jsonb))
    )""",
)

CARRY_PROGRAMMES = WriteFragment(
    "programmes",
    """
    order_programmes AS (
        INSERT INTO order_programme
        SELECT * FROM jsonb_populate_recordset(
            CAST(NULL AS order_programme), CAST(:order_programmes AS jsonb))
    )""",
)
