"""Product work done off the request."""

from catalog.products.service import editing
from mall.kernel.uow import unit_of_work


def run_schedule() -> int:
    """Put on sale and take off what is due; every few seconds."""
    with unit_of_work() as uow:
        return editing.run_schedule(uow)


def withhold_unqualified() -> int:
    """Take from sale what lacks a valid qualification since midnight; often, for few change."""
    with unit_of_work() as uow:
        return editing.withhold(uow)
