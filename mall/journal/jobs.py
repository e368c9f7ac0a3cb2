"""The journal's work on a schedule."""

from mall.journal import service
from mall.kernel.uow import unit_of_work


def seal_journal() -> int:
    """Chain the lines that were committed; repeatable."""
    total = 0
    for _ in range(10):
        with unit_of_work() as uow:
            count = service.seal(uow)
        total += count
        if count < service.BATCH:
            break
    return total
