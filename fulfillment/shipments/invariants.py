"""What a changed row of a parcel speaks of; what must be true of it stands where lines are."""

from mall.kernel.invariants import Trace

TRACES = [
    Trace(
        "order",
        "shipment",
        "SELECT o.order_id FROM changed s JOIN fulfillment_order o ON o.id = s.fulfillment_order_id",
    ),
    Trace(
        "order",
        "shipment_line",
        """
        SELECT o.order_id FROM changed s
        JOIN fulfillment_line l ON l.id = s.fulfillment_line_id
        JOIN fulfillment_order o ON o.id = l.fulfillment_order_id
        """,
    ),
]
