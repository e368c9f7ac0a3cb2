"""After-sales work on a schedule."""

from collections.abc import Callable, Sequence
from uuid import UUID

import structlog

from fulfillment.after_sales import deciding, expiring, queries
from fulfillment.vouchers import queries as vouchers
from mall.kernel import clock
from mall.kernel.errors import DomainError
from mall.kernel.uow import UnitOfWork, reading, unit_of_work

MAX_RUN_SECONDS = 20

log = structlog.get_logger(__name__)


def decide_by_silence(limit: int = 200) -> int:
    """Decide cases whose time is over; run by the scheduler. Returns how many."""
    with reading() as session:
        due = queries.due(session, clock.now(), limit)
    return _one_by_one(due, deciding.decide_by_silence, ("after_sales_undecided", "case_id"))


def lapse_vouchers(limit: int = 200) -> int:
    """Give back what nobody collected in time; run by the scheduler. Returns how many."""
    with reading() as session:
        ended = vouchers.expired(session, clock.now(), limit)
    return _one_by_one(ended, expiring.lapse, ("voucher_not_lapsed", "voucher_id"))


def _one_by_one(
    ids: Sequence[UUID], act: Callable[[UnitOfWork, UUID], bool], refused: tuple[str, str]
) -> int:
    """Do each in a transaction of its own, for a while; return how many were done.

    `refused` is how a refusal is logged: the event, and what the id is called.
    """
    event, name = refused
    done = 0
    for each in clock.within(MAX_RUN_SECONDS, ids):
        try:
            with unit_of_work() as uow:
                done += act(uow, each)
        except DomainError as error:
            log.warning(event, code=error.code, **{name: str(each)})
    return done
