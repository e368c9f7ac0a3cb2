"""Ledger work on a schedule."""

from mall.kernel.uow import unit_of_work
from mall.ledger import service, wallet


def lapse_expired_lots() -> int:
    """Post what is left on expired lots as lapsed; in bounded batches, repeatable."""
    total = 0
    for _ in range(20):
        with unit_of_work() as uow:
            count = wallet.lapse_expired(uow)
        total += count
        if count == 0:
            break
    return total


def roll_up_accounts() -> str:
    """Sum the system accounts once more; repeatable."""
    with unit_of_work() as uow:
        return service.roll_up(uow).isoformat()
