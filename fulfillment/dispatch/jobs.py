"""Fulfillment work on a schedule."""

from uuid import UUID

from fulfillment.dispatch import queries, service
from mall.kernel import clock
from mall.kernel.rows.sweeping import one_by_one
from mall.kernel.uow import reading, unit_of_work


def remind_overdue(limit: int = 500) -> int:
    """Remind suppliers of what should have left; run by the scheduler."""
    with unit_of_work() as uow:
        return service.remind_overdue(uow, limit)


def confirm_silent_deliveries(limit: int = 200) -> int:
    """Confirm what was dispatched long ago and never complained of; run by the scheduler."""
    with reading() as session:
        due = queries.due_for_confirmation(session, clock.now(), limit)
    return one_by_one("confirm_silent_deliveries", due, _confirm)


def _confirm(fulfillment_order_id: UUID) -> bool:
    with unit_of_work() as uow:
        service.deliver(uow, fulfillment_order_id, "system")
    return True
