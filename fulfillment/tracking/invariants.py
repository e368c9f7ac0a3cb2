"""What must always be true of where parcels are, and what a changed row of it speaks of."""

from mall.kernel.invariants import Each, Invariant, Trace

_ORDER_OF_PARCEL = """
    SELECT o.order_id FROM changed c JOIN shipment s ON s.id = c.shipment_id
    JOIN fulfillment_order o ON o.id = s.fulfillment_order_id
"""
TRACES = [
    Trace("order", "tracked_parcel", _ORDER_OF_PARCEL),
    Trace("order", "tracking_event", _ORDER_OF_PARCEL),
]
INVARIANTS = [
    Invariant(
        "parcels_where_their_events_say",
        "a followed parcel is where the latest event under its number says",
        Each(
            "order",
            """
            SELECT t.shipment_id, t.state, e.state AS said
            FROM fulfillment_order o
            JOIN shipment s ON s.fulfillment_order_id = o.id
            JOIN tracked_parcel t ON t.shipment_id = s.id
            JOIN LATERAL (
                SELECT array_agg(state) AS states, max(state) AS state FROM (
                    SELECT state, rank() OVER (ORDER BY happened_at DESC) AS place
                    FROM tracking_event
                    WHERE shipment_id = t.shipment_id
                      AND tracking_no = coalesce(t.tracking_no, '')
                ) x WHERE place = 1) e ON e.states IS NOT NULL
            WHERE among(o.order_id) AND t.state <> ALL(e.states)
            """,
        ),
    ),
]
