"""Stock work done off the request."""

from catalog.stock import service
from mall.kernel.uow import unit_of_work


def count_availability() -> int:
    """Note of which products anything is left; every few seconds."""
    with unit_of_work() as uow:
        return service.count_availability(uow)


def count_sales() -> int:
    """Note how many of each product were sold; every few minutes."""
    with unit_of_work() as uow:
        return service.count_sales(uow)
