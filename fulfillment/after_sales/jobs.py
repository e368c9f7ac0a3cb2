"""After-sales work on a schedule."""

import structlog

from fulfillment.after_sales import deciding, expiring, queries
from fulfillment.vouchers import queries as vouchers
from mall.kernel import clock
from mall.kernel.errors import DomainError
from mall.kernel.uow import reading, unit_of_work

MAX_RUN_SECONDS = 20

log = structlog.get_logger(__name__)


def decide_by_silence(limit: int = 200) -> int:
    """Decide cases whose time is over; run by the scheduler. Returns how many."""
    with reading() as session:
        due = queries.due(session, clock.now(), limit)
    decided = 0
    for case_id in clock.within(MAX_RUN_SECONDS, due):
        try:
            with unit_of_work() as uow:
                decided += deciding.decide_by_silence(uow, case_id)
        except DomainError as error:
            log.warning("after_sales_undecided", case_id=str(case_id), code=error.code)
    return decided


def lapse_vouchers(limit: int = 200) -> int:
    """Give back what nobody collected in time; run by the scheduler. Returns how many."""
    with reading() as session:
        ended = vouchers.expired(session, clock.now(), limit)
    lapsed = 0
    for voucher_id in clock.within(MAX_RUN_SECONDS, ended):
        try:
            with unit_of_work() as uow:
                lapsed += expiring.lapse(uow, voucher_id)
        except DomainError as error:
            log.warning("voucher_not_lapsed", voucher_id=str(voucher_id), code=error.code)
    return lapsed
