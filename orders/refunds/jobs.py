"""Send refunds to WeChat and ask what became of them."""

from uuid import UUID

from mall.kernel import clock
from mall.kernel.errors import DomainError
from mall.kernel.rows.sweeping import note_failure
from mall.kernel.uow import reading, unit_of_work
from orders.payments import process as payment_process
from orders.payments.gateway import UNKNOWN
from orders.payments.jobs import MAX_RUN_SECONDS
from orders.payments.rules import GatewayRefused
from orders.refunds import queries, rules
from orders.refunds.service import refunding
from orders.refunds.service.refunding import RefundAttempt


def send_due_refunds(limit: int = 50) -> int:
    """Send or follow up the refunds that are due; run by the scheduler. Returns how many."""
    with reading() as session:
        due = queries.due(session, clock.now(), limit)
    for refund_id in clock.within(MAX_RUN_SECONDS, due):
        try:
            with unit_of_work() as uow:
                claimed = refunding.claim(uow, refund_id)
            if claimed is not None and not _attempt(refund_id, claimed):
                # The others would be met by the same silence.
                break
        except Exception as error:
            note_failure("send_due_refunds", refund_id, error)
    return len(due)


def _attempt(refund_id: UUID, attempt: RefundAttempt) -> bool:
    """Make one attempt: the intent is committed; call, record the answer.

    Where an earlier attempt's outcome is not known, WeChat is asked before anything is sent again.
    Returns False when WeChat does not answer: the others can wait.
    """
    number = attempt.request.out_refund_no
    try:
        gateway = payment_process.merchant(attempt.merchant).gateway
        # WeChat cannot know of a first attempt; any later one may have arrived without our knowing.
        found = None if attempt.is_first else gateway.query_refund(number)
        if attempt.state == rules.REQUESTED:
            known = found.refund_id if found is not None else None
            refund_id_there = known or gateway.refund(attempt.request)
            with unit_of_work() as uow:
                refunding.record_accepted(uow, refund_id, refund_id_there)
        if found is None or found.state == UNKNOWN:
            found = gateway.query_refund(number)
        if found.state in rules.ENDED:
            with unit_of_work() as uow:
                refunding.record_ended(uow, refund_id, rules.ENDED[found.state])
    except GatewayRefused as error:
        with unit_of_work() as uow:
            refunding.record_error(uow, refund_id, str(error))
            refunding.record_ended(uow, refund_id, rules.FAILED)
    except DomainError as error:
        # WeChat is silent, the refund is not wrong: it keeps its state and its turn.
        with unit_of_work() as uow:
            refunding.record_error(uow, refund_id, str(error))
        return False
    return True
