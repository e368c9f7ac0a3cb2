"""What fulfillment announces."""

from dataclasses import dataclass


@dataclass(frozen=True)
class PickupOpened:
    """A fulfillment order waits to be collected at a counter."""

    fulfillment_order_id: str
