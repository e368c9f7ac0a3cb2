"""What a refund may become, and when to try again."""

from datetime import timedelta

from mall.kernel.states import Transitions

REQUESTED, ACCEPTED, SUCCEEDED, FAILED = "requested", "accepted", "succeeded", "failed"
STATES = Transitions(
    {
        REQUESTED: {ACCEPTED, FAILED},
        ACCEPTED: {SUCCEEDED, FAILED},
        SUCCEEDED: set(),
        FAILED: set(),
    }
)
# What WeChat calls a refund that ended: done, closed, or abnormal (the account is gone).
ENDED = {"SUCCESS": SUCCEEDED, "REFUNDCLOSE": FAILED, "CHANGE": FAILED}


def retry_delay(attempts: int) -> timedelta:
    """Return how long to wait before the next try: 10 s, doubling, an hour at most."""
    return min(timedelta(seconds=10) * 2 ** min(attempts, 12), timedelta(hours=1))
