"""Assistance work done off the request."""

from mall.kernel.uow import unit_of_work
from orders.assistance import service


def remind_unions() -> int:
    """Remind unions that are behind their target, each once a month; daily."""
    with unit_of_work() as uow:
        return service.remind(uow)
