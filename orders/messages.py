"""Facts the orders package announces; they carry ids, never rows."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class OrderPaid:
    """An order was paid in full: what was ordered can be fulfilled."""

    order_id: str


@dataclass(frozen=True)
class OrderCancelled:
    """A paid order was cancelled before anything left: nothing of it is to be fulfilled."""

    order_id: str


@dataclass(frozen=True)
class LineReimbursed:
    """Something of a paid order went back to its payers."""

    order_id: str
    reimbursement_id: str


@dataclass(frozen=True)
class FundPaid:
    """Money arrived by WeChat in the fund of a programme."""

    programme_id: str
    payment_id: str


@dataclass(frozen=True)
class EntitlementsIssued:
    """Entitlements of a programme were issued since an instant: a few thousand, by position."""

    # Remove after the release that renamed it (migration 0045).
    former_topic: ClassVar[str] = "RightsIssued"
    programme_id: str
    since: str
    after: int
    up_to: int


@dataclass(frozen=True)
class LatePaymentReceived:
    """Money arrived for an order that no longer wants it: it must go back."""

    payment_id: str
