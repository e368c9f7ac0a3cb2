"""Ask WeChat about payments that no notice has settled."""

import structlog

from mall.kernel import clock
from mall.kernel.errors import DomainError
from mall.kernel.rows.sweeping import note_failure
from mall.kernel.uow import reading, unit_of_work
from orders.payments import process, queries, service
from orders.payments.rules import GatewayUnavailable

# A run is short, so that a slow WeChat never occupies the workers.
MAX_RUN_SECONDS = 10

log = structlog.get_logger(__name__)


def query_open_payments(limit: int = 50) -> int:
    """Ask about payments that are due, later each time, and close those nobody waits for.

    Run by the scheduler; returns how many. Where WeChat does not answer, the rest can wait.
    """
    with reading() as session:
        due = queries.due_for_query(session, clock.now(), limit)
    for out_trade_no, is_over in clock.within(MAX_RUN_SECONDS, due):
        # Put off first: a gateway that hangs must not make the next run ask the same again.
        try:
            with unit_of_work() as uow:
                service.postpone_query(uow, out_trade_no)
            (process.close if is_over else process.query)(out_trade_no)
        except GatewayUnavailable:
            log.warning("payment_gateway_silent", out_trade_no=out_trade_no)
            break
        except DomainError as error:
            log.warning("payment_query_failed", out_trade_no=out_trade_no, code=error.code)
        except Exception as error:
            note_failure("query_open_payments", out_trade_no, error)
    return len(due)


def forget_messages() -> int:
    """Delete what went over the wire long ago; every hour."""
    with unit_of_work() as uow:
        return service.forget_messages(uow)
