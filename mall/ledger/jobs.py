"""Ledger work on a schedule."""

import itertools

from mall.kernel import clock
from mall.kernel.uow import unit_of_work
from mall.ledger.service import posting, wallet

MAX_RUN_SECONDS = 300


def lapse_expired_lots() -> int:
    """Post what is left on expired lots as lapsed, batch by batch for five minutes at most; repeatable.

    A whole federation's lots may end at one midnight. Each batch is a transaction of its own, so
    that orders never wait for more than one.
    """
    total = 0
    for _ in clock.within(MAX_RUN_SECONDS, itertools.count()):
        with unit_of_work() as uow:
            count = wallet.lapse_expired(uow)
        total += count
        if count == 0:
            break
    return total


def roll_up_accounts() -> str:
    """Sum the system accounts once more; repeatable."""
    with unit_of_work() as uow:
        return posting.roll_up(uow).isoformat()
