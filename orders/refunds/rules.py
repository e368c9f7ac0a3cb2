"""What a refund may become, and when to try again."""

from dataclasses import dataclass
from datetime import timedelta

from mall.kernel.errors import DomainError
from mall.kernel.states import Transitions

REQUESTED, ACCEPTED, SUCCEEDED, FAILED = "requested", "accepted", "succeeded", "failed"
SETTLED = "settled"
STATES = Transitions(
    {
        REQUESTED: {ACCEPTED, FAILED},
        ACCEPTED: {SUCCEEDED, FAILED},
        SUCCEEDED: set(),
        # An operator asks again where WeChat refused it, or pays another way.
        FAILED: {REQUESTED, SETTLED},
        SETTLED: set(),
    },
    {
        REQUESTED: "待发送",
        ACCEPTED: "微信处理中",
        SUCCEEDED: "已退回",
        FAILED: "退款失败",
        SETTLED: "已由其他渠道退回",
    },
)
BANK, CASH, OTHER = "bank", "cash", "other"
CHANNELS = (BANK, CASH, OTHER)
LATE, OF_CANCELLED = "late", "cancelled"
REASONS = {LATE: "订单已关闭，款项原路退回", OF_CANCELLED: "订单已取消，款项原路退回"}
# What WeChat calls a refund that ended: done, closed, or abnormal (the account is gone).
ENDED = {"SUCCESS": SUCCEEDED, "CLOSED": FAILED, "ABNORMAL": FAILED}


class RefundStands(DomainError):
    code = "refund_stands"
    zh = "微信已受理过这笔退款（{refund_id}），不能重新发起；请用其他渠道退款并登记。"
    en = "WeChat took this refund on ({refund_id}); it cannot be sent anew, settle it another way."


@dataclass(frozen=True)
class Settlement:
    """How an operator gave money back that WeChat could not."""

    channel: str
    channel_reference: str
    note: str = ""


def retry_delay(attempts: int) -> timedelta:
    """Return how long to wait before the next try: 10 s, doubling, an hour at most."""
    return min(timedelta(seconds=10) * 2 ** min(attempts, 12), timedelta(hours=1))
