"""Programmes are issued and closed off the request, chunk by chunk."""

from collections.abc import Sequence
from itertools import count
from uuid import UUID

import structlog

from catalog.stock.rules import OutOfStock
from mall.kernel import clock
from mall.kernel.rows.sweeping import note_failure
from mall.kernel.uow import UnitOfWork, unit_of_work
from mall.ledger.rules import FundShort
from mall.members.messages import RosterEntriesClaimed
from orders.checkout.rules import LinesUnavailable
from orders.collective.service import closing, issuing, telling
from orders.entitlements import queries as entitlement_queries

log = structlog.get_logger(__name__)
# A run begins no chunk after so long; a chunk takes a fraction of a second.
RUN_SECONDS = 30


def run_programmes() -> int:
    """Issue what is due and close what is over; return how many entitlements were dealt with.

    Each chunk is a transaction: killed anywhere, the next run goes on. Run every 2 seconds.
    """
    done = 0
    for _ in clock.within(RUN_SECONDS, count()):
        programme_id: UUID | None = None
        try:
            with unit_of_work() as uow:
                programme = issuing.due(uow)
                if programme is None:
                    break
                programme_id = programme.id
                if issuing.is_over(programme):
                    done += closing.close_chunk(uow, programme)
                    continue
                issued = issuing.issue_chunk(uow, programme)
                done += issued
                if not issued:
                    issuing.end_run(uow, programme)
        except (FundShort, LinesUnavailable, OutOfStock) as short:
            assert programme_id is not None
            log.warning("programme_waits", programme_id=str(programme_id), code=short.code)
            with unit_of_work() as uow:
                issuing.postpone(uow, programme_id, short.sentence("zh"))
        except Exception as error:
            if programme_id is None:
                raise
            # Whatever is wrong with this programme, the others go on.
            note_failure("run_programmes", programme_id, error)
            with unit_of_work() as uow:
                issuing.postpone(uow, programme_id, "系统出错，已记录，稍后自动重试。")
    return done


def give_claimed(uow: UnitOfWork, messages: Sequence[RosterEntriesClaimed]) -> None:
    """Give members what has waited for the roster entries that they claimed."""
    for message in messages:
        member_id = UUID(message.member_id)
        entry_ids = [UUID(each) for each in message.entry_ids]
        for entitlement_id in entitlement_queries.waiting_for(uow.session, entry_ids):
            issuing.claim_entitlement(uow, entitlement_id, member_id)
            entitlement = entitlement_queries.own_entitlement(
                uow.session, member_id, entitlement_id
            )
            telling.tell_claimed(uow, entitlement.programme_id, member_id)
