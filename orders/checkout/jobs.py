"""Checkout work done off the request."""

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

import structlog

from mall.kernel import clock
from mall.kernel.errors import DomainError
from mall.kernel.uow import reading
from orders.checkout import cancelling
from orders.order import queries, rules

MAX_RUN_SECONDS = 20
PAGE = 100

log = structlog.get_logger(__name__)


def lapse_unpaid_orders() -> int:
    """Cancel every order whose time to pay is over; run by the scheduler. Returns how many.

    One that was paid at the last second becomes paid instead; one that WeChat says nothing of
    waits for the next run and holds up none of those behind it.
    """
    lapsed = 0
    for order_id in clock.within(MAX_RUN_SECONDS, _overdue()):
        try:
            cancelling.cancel(order_id, None, rules.SYSTEM, rules.BY_TIMEOUT)
            lapsed += 1
        except DomainError as error:
            log.info("order_not_lapsed", order_id=str(order_id), code=error.code)
    return lapsed


def _overdue() -> Iterator[UUID]:
    """Give every overdue order once, the longest waiting first, by pages."""
    after: tuple[datetime, UUID] | None = None
    while True:
        with reading() as session:
            page = queries.overdue(session, clock.now(), after, PAGE)
        yield from (order_id for order_id, _ in page)
        if len(page) < PAGE:
            return
        order_id, pay_by = page[-1]
        after = (pay_by, order_id)
