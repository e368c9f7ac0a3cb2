"""What fulfillment announces."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class ParcelSent:
    """A parcel left, or its number was corrected: it can be followed from now on."""

    shipment_id: str


@dataclass(frozen=True)
class FulfillmentOrderDelivered:
    """A fulfillment order was delivered: its supplier has earned it."""

    # Remove after the release that renamed it (migration 0045), here and in settlement/queries.py.
    former_topic: ClassVar[str] = "PartDelivered"
    order_id: str
    fulfillment_order_id: str


@dataclass(frozen=True)
class PickupOpened:
    """A fulfillment order waits to be collected at a counter."""

    fulfillment_order_id: str
