"""What is done about search words on a schedule."""

from mall.kernel.uow import unit_of_work
from search_index.words import service


def forget_searches() -> int:
    """Remove counts of long ago; repeatable. Daily."""
    with unit_of_work() as uow:
        return service.forget_searches(uow)
