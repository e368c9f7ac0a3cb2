"""Onboarding work done off the request."""

from catalog.onboarding.service import applications
from mall.kernel.uow import unit_of_work


def announce_endings() -> int:
    """Tell suppliers and operators which qualifications end soon; hourly, each call made once."""
    with unit_of_work() as uow:
        return applications.announce_endings(uow)


def give_up_applications() -> int:
    """Close applications that nobody handed in for a month. Hourly."""
    with unit_of_work() as uow:
        return applications.lapse(uow)
