"""What fulfillment announces."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ParcelSent:
    """A parcel left, or its number was corrected: it can be followed from now on."""

    shipment_id: str


@dataclass(frozen=True)
class PartDelivered:
    """A part of an order was delivered: its supplier has earned it."""

    order_id: str
    fulfillment_order_id: str


@dataclass(frozen=True)
class PickupOpened:
    """A fulfillment order waits to be collected at a counter."""

    fulfillment_order_id: str
