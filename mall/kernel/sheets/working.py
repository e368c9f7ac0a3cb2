"""Sheets are worked on off the request, one after the other, for a bounded while."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from uuid import UUID

from mall.kernel import clock
from mall.kernel.rows.sweeping import note_failure
from mall.kernel.uow import UnitOfWork, unit_of_work

# A run begins nothing new after so long; a single sheet of 20,000 rows takes about as long.
RUN_SECONDS = 15
# Who was served so long ago is served like somebody who never was.
TURN = timedelta(hours=1)
# When the machine has no time for a large sheet, it waits for so long.
PUT_OFF = timedelta(seconds=10)


def work_off(
    claim: Callable[[UnitOfWork], tuple[UUID, str] | None],
    acts: Mapping[str, Callable[[UUID], None]],
) -> int:
    """Claim what waits, and do with each what its state asks for; return how many there were."""
    worked = 0
    for _ in clock.within(RUN_SECONDS, range(100)):
        with unit_of_work() as uow:
            claimed = claim(uow)
        if claimed is None:
            break
        sheet_id, state = claimed
        if state in acts:
            try:
                acts[state](sheet_id)
            except Exception as error:
                # It is taken up again when its lease is over; the sheets behind it do not wait.
                note_failure("work_off", sheet_id, error)
        worked += 1
    return worked
