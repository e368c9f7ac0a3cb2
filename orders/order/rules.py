"""The life of an order as a table."""

from mall.kernel.states import Transitions

AWAITING_PAYMENT, PAID, COMPLETED, CANCELLED = "awaiting_payment", "paid", "completed", "cancelled"
STATES = Transitions(
    "order",
    {
        AWAITING_PAYMENT: {PAID, CANCELLED},
        # Before anything of it was dispatched.
        PAID: {COMPLETED, CANCELLED},
        COMPLETED: set(),
        CANCELLED: set(),
    },
)
BY_MEMBER, BY_TIMEOUT = "member", "payment_timeout"
BY_OTHER_CHOICE, BY_AFTER_SALES = "other_choice", "after_sales"
SYSTEM = "system"
