"""Approval work on a schedule."""

from mall.approvals.service import values
from mall.kernel.uow import unit_of_work


def lapse_proposals() -> int:
    """End proposals that nobody confirmed in time. Hourly; repeatable."""
    with unit_of_work() as uow:
        return values.lapse(uow)
