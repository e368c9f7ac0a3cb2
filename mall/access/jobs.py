"""Access work on a schedule."""

from mall.access import service
from mall.kernel.uow import unit_of_work


def forget_ended_sessions() -> int:
    """Delete tokens that ended and codes used long ago; repeatable."""
    with unit_of_work() as uow:
        return service.forget_ended_sessions(uow)
