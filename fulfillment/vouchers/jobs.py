"""Voucher work on a schedule."""

from fulfillment.vouchers import service
from mall.kernel.uow import unit_of_work


def remind_expiring(limit: int = 500) -> int:
    """Tell members of vouchers that end within a week; run by the scheduler."""
    with unit_of_work() as uow:
        return service.remind_expiring(uow, limit)
