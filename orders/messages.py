"""Facts the orders package announces; they carry ids, never rows."""

from dataclasses import dataclass


@dataclass(frozen=True)
class OrderPaid:
    """An order was paid in full: what was ordered can be fulfilled."""

    order_id: str


@dataclass(frozen=True)
class LatePaymentReceived:
    """Money arrived for an order that no longer wants it: it must go back."""

    payment_id: str
