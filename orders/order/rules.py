"""The life of an order as a table."""

from mall.kernel.states import Transitions

AWAITING_PAYMENT, PAID, COMPLETED, CANCELLED = "awaiting_payment", "paid", "completed", "cancelled"
STATES = Transitions(
    {
        AWAITING_PAYMENT: {PAID, CANCELLED},
        # Before anything of it was dispatched.
        PAID: {COMPLETED, CANCELLED},
        COMPLETED: set(),
        CANCELLED: set(),
    },
    {AWAITING_PAYMENT: "待付款", PAID: "已付款", COMPLETED: "已完成", CANCELLED: "已取消"},
)
BY_MEMBER, BY_TIMEOUT = "member", "payment_timeout"
BY_OTHER_CHOICE, BY_AFTER_SALES = "other_choice", "after_sales"
SYSTEM = "system"
