"""Uploads are worked on off the request, one after the other."""

import structlog

from catalog.uploads import applying, checking, rules, service
from mall.kernel import clock
from mall.kernel.uow import unit_of_work

log = structlog.get_logger(__name__)
# A run begins nothing new after so long; a single sheet of 20,000 rows takes about as long.
RUN_SECONDS = 15


def work_uploads() -> int:
    """Check and apply what waits, for a while; return how much was worked on. Every 2 seconds."""
    worked = 0
    for _ in clock.within(RUN_SECONDS, range(100)):
        with unit_of_work() as uow:
            claimed = service.claim(uow)
        if claimed is None:
            break
        upload_id, state = claimed
        if state == rules.CHECKING:
            checking.check(upload_id)
        elif state == rules.APPLYING:
            applying.apply(upload_id)
        worked += 1
    return worked
