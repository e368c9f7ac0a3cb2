"""After-sales work on a schedule."""

from collections.abc import Callable
from uuid import UUID

from fulfillment.after_sales import queries
from fulfillment.after_sales.service import deciding, expiring
from fulfillment.vouchers import queries as voucher_queries
from mall.kernel import clock
from mall.kernel.rows.sweeping import one_by_one
from mall.kernel.uow import UnitOfWork, reading, unit_of_work

MAX_RUN_SECONDS = 20


def decide_by_silence(limit: int = 200) -> int:
    """Decide cases whose time is over; run by the scheduler. Returns how many."""
    with reading() as session:
        due = queries.due(session, clock.now(), limit)
    return one_by_one("decide_by_silence", due, _each(deciding.decide_by_silence), MAX_RUN_SECONDS)


def lapse_vouchers(limit: int = 200) -> int:
    """Give back what nobody collected in time; run by the scheduler. Returns how many."""
    with reading() as session:
        ended = voucher_queries.expired(session, clock.now(), limit)
    return one_by_one("lapse_vouchers", ended, _each(expiring.lapse), MAX_RUN_SECONDS)


def _each(act: Callable[[UnitOfWork, UUID], bool]) -> Callable[[UUID], bool]:
    """Return an act as a transaction of its own."""

    def run(case_or_voucher_id: UUID) -> bool:
        with unit_of_work() as uow:
            return act(uow, case_or_voucher_id)

    return run
