"""The life of an order as a table."""

from mall.kernel.states import Transitions

AWAITING_PAYMENT, PAID, COMPLETED, CANCELLED = "awaiting_payment", "paid", "completed", "cancelled"
STATES = Transitions(
    {
        AWAITING_PAYMENT: {PAID, CANCELLED},
        PAID: {COMPLETED},
        COMPLETED: set(),
        CANCELLED: set(),
    }
)
BY_MEMBER, BY_TIMEOUT = "member", "payment_timeout"
SYSTEM = "system"
