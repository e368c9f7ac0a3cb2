"""Checkout work done off the request."""

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from mall.kernel import clock
from mall.kernel.rows.sweeping import one_by_one
from mall.kernel.uow import reading
from orders.checkout import process
from orders.order import queries as order_queries
from orders.order import rules as order_rules

MAX_RUN_SECONDS = 20
PAGE = 100


def lapse_unpaid_orders() -> int:
    """Cancel every order whose time to pay is over; run by the scheduler. Returns how many.

    One that was paid at the last second becomes paid instead; one that WeChat says nothing of
    waits for the next run and holds up none of those behind it.
    """
    return one_by_one("lapse_unpaid_orders", _overdue(), _lapse, MAX_RUN_SECONDS)


def _lapse(order_id: UUID) -> bool:
    process.cancel(order_id, order_rules.SYSTEM, order_rules.BY_TIMEOUT)
    return True


def _overdue() -> Iterator[UUID]:
    """Give every overdue order once, the longest waiting first, by pages."""
    after: tuple[datetime, UUID] | None = None
    while True:
        with reading() as session:
            page = order_queries.overdue(session, clock.now(), after, PAGE)
        yield from (order_id for order_id, _ in page)
        if len(page) < PAGE:
            return
        order_id, pay_by = page[-1]
        after = (pay_by, order_id)
