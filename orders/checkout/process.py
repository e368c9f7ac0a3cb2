"""Cancel in the only safe order: close at WeChat, then release stock and beans."""

from uuid import UUID

from mall.kernel.errors import DomainError
from mall.kernel.uow import reading, unit_of_work
from orders.checkout import service
from orders.order import queries as order_queries
from orders.order import rules as order_rules
from orders.payments import process as payment_process
from orders.payments.rules import AlreadyPaid

MAX_ROUNDS = 3


class CancelBusy(DomainError):
    code = "cancel_busy"


def cancel(order_id: UUID, actor: str, reason: str) -> None:
    """Cancel an order that awaits payment; a payment that was faster wins.

    Raises AlreadyPaid when it did, GatewayUnavailable when WeChat does not say: then the order
    stays as it is. A payment begun in between is closed in another round.
    """
    for _ in range(MAX_ROUNDS):
        with reading() as session:
            open_numbers = service.open_payments(session, order_id)
        for out_trade_no in open_numbers:
            if payment_process.close(out_trade_no).is_paid:
                raise AlreadyPaid()
        with unit_of_work() as uow:
            if service.cancel_order(uow, order_id, actor, reason):
                return
    raise CancelBusy()


def cancel_for_member(order_id: UUID, member_id: UUID, actor: str) -> None:
    """Cancel a member's own order: before it is paid, or after that until a parcel leaves.

    Raises AlreadyDispatched and ChooseAnew; for one that awaits payment what `cancel` raises: a
    payment that was faster wins, and the member may ask again. Other payments that were begun for
    a paid order are closed first, too; who paid twice gets that back. Raises GatewayUnavailable.
    """
    with reading() as session:
        state = order_queries.order_of_member(session, order_id, member_id).state
    if state == order_rules.AWAITING_PAYMENT:
        cancel(order_id, actor, order_rules.BY_MEMBER)
        return
    # No payment can be begun for it any more: what is closed now stays closed.
    with reading() as session:
        open_numbers = service.open_payments(session, order_id)
    for out_trade_no in open_numbers:
        payment_process.close(out_trade_no)
    with unit_of_work() as uow:
        service.cancel_by_member(uow, order_id, actor)
