"""Rosters are worked on off the request, one after the other."""

from mall.kernel import clock
from mall.kernel.uow import unit_of_work
from mall.members.rosters import checking, rules, service

RUN_SECONDS = 15


def work_rosters() -> int:
    """Check and apply what waits, for a while; return how much was worked on. Every 2 seconds."""
    worked = 0
    for _ in clock.within(RUN_SECONDS, range(100)):
        with unit_of_work() as uow:
            claimed = service.claim(uow)
        if claimed is None:
            break
        roster_id, state = claimed
        if state == rules.CHECKING:
            checking.check(roster_id)
        elif state == rules.APPLYING:
            checking.apply(roster_id)
        worked += 1
    return worked
