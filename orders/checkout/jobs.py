"""Checkout work done off the request."""

import structlog

from mall.kernel import clock
from mall.kernel.errors import DomainError
from mall.kernel.uow import reading
from orders.checkout import cancelling
from orders.order import queries, rules

log = structlog.get_logger(__name__)


def lapse_unpaid_orders(limit: int = 100) -> int:
    """Cancel every order whose time to pay is over; run by the scheduler. Returns how many.

    One that was paid at the last second becomes paid instead; one that WeChat says nothing of
    waits for the next run.
    """
    with reading() as session:
        overdue = queries.overdue(session, clock.now(), limit)
    lapsed = 0
    for order_id in overdue:
        try:
            cancelling.cancel(order_id, None, rules.SYSTEM, rules.BY_TIMEOUT)
            lapsed += 1
        except DomainError as error:
            log.info("order_not_lapsed", order_id=str(order_id), code=error.code)
    return lapsed
