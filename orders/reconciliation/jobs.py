"""Fetch the bills that WeChat has by now, match them, and ask about what they know better."""

from collections.abc import Callable
from datetime import date, timedelta

import structlog

from mall.kernel import clock
from mall.kernel.uow import reading, unit_of_work
from orders.payments import process as payment_process
from orders.payments.wechat.merchants import Merchant
from orders.reconciliation import queries, rules, service
from orders.reconciliation.rules import MerchantTerms

MAX_RUN_SECONDS = 60
MAX_ASKED = 100

log = structlog.get_logger(__name__)


def want_bills() -> int:
    """Want the bills of every merchant's days that WeChat has by now; repeatable."""
    wanted = 0
    for merchant in payment_process.merchants():
        name = merchant.settings.name
        with reading() as session:
            since = queries.first_day(session, name)
        if since is None:
            continue
        days = rules.wanted_days(clock.now(), since)
        with unit_of_work() as uow:
            service.schedule(uow, name, days)
        wanted += len(days)
    return wanted


def check_bills(limit: int = 40, tell: Callable[[str], None] = lambda _: None) -> int:
    """Fetch and match the bills that are wanted, oldest first; run by the scheduler.

    Returns how many were matched. A bill that cannot be had is tried again later.
    """
    with reading() as session:
        due = queries.wanted(session, clock.now(), limit)
    done = 0
    for name, day in clock.within(MAX_RUN_SECONDS, due):
        try:
            done += _check(payment_process.merchant(name), day, tell)
        except Exception as error:
            # Whatever is wrong with this day or this merchant never stops the others.
            code = getattr(error, "code", type(error).__name__)
            log.warning("bill_not_checked", merchant=name, day=str(day), code=code)
            tell(f"{name} {day}: {error}")
            with unit_of_work() as uow:
                service.postpone(uow, name, day, f"{code}: {error}"[:500])
    return done


def _check(merchant: Merchant, day: date, tell: Callable[[str], None]) -> int:
    settings = merchant.settings
    name, terms = settings.name, MerchantTerms(settings.name, settings.mch_id, settings.fee_rate)
    # Put off first: a bill that kills its worker is not taken up again at once.
    with unit_of_work() as uow:
        service.postpone(uow, name, day)
    text = merchant.gateway.download_bill(day)
    with unit_of_work() as uow:
        matched = service.record(uow, terms, day, text)
    asked = _ask(name, day)
    with unit_of_work() as uow:
        # What was paid around midnight may be on the neighbour's bill.
        for each in (day, day - timedelta(days=1)) if asked else (day - timedelta(days=1),):
            service.match_again(uow, terms, each)
    tell(f"{name} {day}: {matched.line_count} lines, {matched.opened} differences")
    return 1


def _ask(merchant: str, day: date) -> int:
    """Ask WeChat about payments that its bill knows as paid and we do not."""
    with reading() as session:
        numbers = queries.unpaid_on_bill(session, merchant, day, MAX_ASKED)
    for out_trade_no in numbers:
        payment_process.query(out_trade_no)
    return len(numbers)
