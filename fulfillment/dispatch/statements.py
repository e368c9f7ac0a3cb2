"""The share of a combined write that splits an order.

However often it comes, an order splits once: its lines follow only the fulfillment orders that
this statement itself opened, and these are unique for order, supplier and delivery mode.
"""

from fulfillment.dispatch.models import FulfillmentLine, FulfillmentOrder
from mall.kernel.together import WriteFragment, given_rows, inserting

_LINE = ", ".join(column.name for column in FulfillmentLine.__table__.columns)
SPLIT = WriteFragment(
    "split",
    f"""
    split_opened AS (
        {inserting(FulfillmentOrder, "split_orders")}
        ON CONFLICT (order_id, supplier_id, delivery_mode, case_id) DO NOTHING
        RETURNING id AS opened_id
    ), split_filled AS (
        INSERT INTO fulfillment_line ({_LINE})
        SELECT {_LINE} FROM {given_rows(FulfillmentLine, "split_lines")} l
        JOIN split_opened o ON o.opened_id = l.fulfillment_order_id
    )""",
)
