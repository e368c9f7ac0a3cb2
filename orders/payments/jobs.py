"""Ask WeChat about payments that no notice has settled."""

import structlog

from mall.kernel import clock
from mall.kernel.errors import DomainError
from mall.kernel.uow import reading, unit_of_work
from orders.payments import collecting, queries, service

log = structlog.get_logger(__name__)


def query_open_payments(limit: int = 50) -> int:
    """Ask about payments that are due, later each time; run by the scheduler. Returns how many."""
    with reading() as session:
        due = queries.due_for_query(session, clock.now(), limit)
    for out_trade_no in due:
        # Put off first: a gateway that hangs must not make the next run ask the same again.
        with unit_of_work() as uow:
            service.postpone_query(uow, out_trade_no)
        try:
            collecting.query(out_trade_no)
        except DomainError as error:
            log.warning("payment_query_failed", out_trade_no=out_trade_no, code=error.code)
    return len(due)
