"""Access work on a schedule."""

from mall.access import service
from mall.access.staff.service import places
from mall.kernel.uow import unit_of_work


def forget_ended_sessions() -> int:
    """Delete tokens that ended, codes and places used long ago; repeatable."""
    with unit_of_work() as uow:
        places.forget_old(uow)
        return service.forget_ended_sessions(uow)
