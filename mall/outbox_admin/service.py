"""What operators decide about deliveries; the sweep takes up whatever is to run again."""

from uuid import UUID

from mall.kernel.outbox import DROPPED, PARKED, PENDING, OutboxDelivery
from mall.kernel.uow import UnitOfWork
from mall.outbox_admin import queries
from mall.outbox_admin.rules import STATES


def retry(uow: UnitOfWork, delivery_id: UUID, by: str, note: str = "") -> OutboxDelivery:
    """Let a delivery run again within seconds, with all its attempts before it.

    Raises NotFound, and WrongState once it is done.
    """
    found = _become(uow, delivery_id, PENDING, by, note)
    found.attempts, found.due_at = 0, uow.now
    return found


def park(uow: UnitOfWork, delivery_id: UUID, by: str, note: str) -> OutboxDelivery:
    """Take a delivery out of the way until somebody decides. Raises NotFound, WrongState."""
    return _become(uow, delivery_id, PARKED, by, note)


def drop(uow: UnitOfWork, delivery_id: UUID, by: str, note: str) -> OutboxDelivery:
    """Give a parked delivery up; it stays on record, and the audit sees what it left undone.

    Raises NotFound, and WrongState unless it is parked.
    """
    return _become(uow, delivery_id, DROPPED, by, note)


def _become(uow: UnitOfWork, delivery_id: UUID, state: str, by: str, note: str) -> OutboxDelivery:
    found = queries.lock(uow.session, delivery_id)
    STATES.check(found.state, state)
    found.state = state
    found.decided_by, found.decided_at, found.note = by, uow.now, note
    return found
