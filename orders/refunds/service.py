"""Open refunds and record what became of them."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select

from mall.kernel.ids import new_id
from mall.kernel.uow import UnitOfWork
from mall.ledger import service as ledger
from mall.ledger.service import CNY, Leg, Transfer
from orders.messages import LatePaymentReceived
from orders.payments import queries as payments
from orders.payments.gateway import RefundRequest
from orders.refunds import rules
from orders.refunds.models import Refund

LATE_REASON = "订单已关闭，款项原路退回"


def open_late_refunds(uow: UnitOfWork, messages: Sequence[LatePaymentReceived]) -> None:
    """Open the refunds of payments that came too late; a second message opens none."""
    for payment_id in sorted({UUID(message.payment_id) for message in messages}):
        _open_late_refund(uow, payment_id)


def _open_late_refund(uow: UnitOfWork, payment_id: UUID) -> None:
    payment = payments.get_payment(uow.session, payment_id)
    known = uow.session.scalars(select(Refund).where(Refund.payment_id == payment.id)).first()
    if known is not None:
        return
    uow.session.add(
        Refund(
            id=new_id(),
            payment_id=payment.id,
            out_trade_no=payment.out_trade_no,
            out_refund_no=f"R{payment.out_trade_no}",
            total_fen=payment.amount_fen,
            amount_fen=payment.amount_fen,
            reason=LATE_REASON,
            state=rules.REQUESTED,
            try_at=uow.now,
            created_at=uow.now,
        )
    )


def claim(uow: UnitOfWork, refund_id: UUID) -> tuple[str, RefundRequest] | None:
    """Take a refund for one attempt and put the next one off; None if another has it."""
    refund = uow.session.scalars(
        select(Refund)
        .where(
            Refund.id == refund_id,
            Refund.state.in_((rules.REQUESTED, rules.ACCEPTED)),
            Refund.try_at <= uow.now,
        )
        .with_for_update(skip_locked=True)
    ).first()
    if refund is None:
        return None
    refund.try_at = uow.now + rules.retry_delay(refund.attempts)
    refund.attempts += 1
    request = RefundRequest(
        refund.out_trade_no,
        refund.out_refund_no,
        refund.total_fen,
        refund.amount_fen,
        refund.reason,
    )
    return refund.state, request


def record_accepted(uow: UnitOfWork, refund_id: UUID, number: str) -> None:
    """WeChat took the refund on; its end is asked for later."""
    refund = _lock(uow, refund_id)
    if refund.state == rules.REQUESTED:
        refund.state = rules.ACCEPTED
        refund.refund_id = number


def record_ended(uow: UnitOfWork, refund_id: UUID, state: str) -> None:
    """Record success, with its posting, or failure, which waits for an operator."""
    refund = _lock(uow, refund_id)
    if refund.state == state:
        return
    rules.STATES.check(refund.state, state)
    refund.state = state
    refund.ended_at = uow.now
    if state == rules.SUCCEEDED:
        legs = (
            Leg(ledger.LATE_PAYMENTS, -refund.amount_fen),
            Leg(ledger.WECHAT_CLEARING, refund.amount_fen),
        )
        ledger.post(uow, [Transfer(f"refund:{refund.id}", "refund", CNY, legs)])


def record_error(uow: UnitOfWork, refund_id: UUID, error: str) -> None:
    """Keep why an attempt did not succeed."""
    _lock(uow, refund_id).last_error = error[:500]


def _lock(uow: UnitOfWork, refund_id: UUID) -> Refund:
    return uow.session.scalars(
        select(Refund)
        .where(Refund.id == refund_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
