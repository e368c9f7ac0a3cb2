"""Open refunds and record what became of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, func, select

from mall.access.rules import OPS, STORE
from mall.kernel.errors import NotFound
from mall.kernel.ids import new_id
from mall.kernel.money import yuan
from mall.kernel.text import wording
from mall.kernel.uow import UnitOfWork
from mall.ledger.service import posting
from mall.ledger.service.posting import CNY, Leg, Transfer
from mall.notification.rules import NewNotice
from mall.notification.service import staff_notices
from orders.messages import LatePaymentReceived
from orders.order import queries as order_queries
from orders.order.models import Order
from orders.payments import queries as payment_queries
from orders.payments.gateway import RefundNotice, RefundRequest
from orders.payments.models import Payment
from orders.payments.rules import ForgedNotice
from orders.refunds import rules
from orders.refunds.models import Refund
from orders.refunds.rules import Settlement


def open_late_refunds(uow: UnitOfWork, messages: Sequence[LatePaymentReceived]) -> None:
    """Open the refunds of payments that came too late; a second message opens none."""
    for payment_id in sorted({UUID(message.payment_id) for message in messages}):
        _open_late_refund(uow, payment_id)


def _open_late_refund(uow: UnitOfWork, payment_id: UUID) -> None:
    payment = payment_queries.get_payment(uow.session, payment_id)
    known = uow.session.scalars(select(Refund).where(Refund.payment_id == payment.id)).first()
    if known is None:
        _add(uow, payment, rules.LATE, payment.amount_fen)
        _tell_payer(uow, payment)


def _tell_payer(uow: UnitOfWork, payment: Payment) -> None:
    amount, order = yuan(payment.amount_fen), order_queries.any_order(uow.session, payment.order_id)
    notice = NewNotice(
        STORE,
        order.member_id,
        "late_payment",
        f"late:{payment.id}",
        f"订单 {order.order_no} 已关闭或已由其他方式付款，您后到的付款 {amount} 元将原路退回。",
        f"Order {order.order_no} was closed or paid another way; your payment of ¥{amount} goes back.",
    )
    staff_notices.notify(uow, [notice])


def refund_order(uow: UnitOfWork, order: Order) -> None:
    """Owe the payer of a locked order all that WeChat brought for it and has not gone back.

    The refunds are sent by the sweep, under the same number until their outcome is known.
    """
    for payment in payment_queries.paid_in_time(uow.session, order.id):
        left = payment.amount_fen - order.refunded_wechat_fen
        if left:
            _owe(uow, payment, rules.OF_CANCELLED, left)


def owe_part(uow: UnitOfWork, order_id: UUID, amount_fen: int) -> UUID:
    """Owe the payer of a locked order a part of what WeChat brought; return the refund."""
    [payment] = payment_queries.paid_in_time(uow.session, order_id)
    return _owe(uow, payment, rules.OF_AFTER_SALES, amount_fen).id


def _owe(uow: UnitOfWork, payment: Payment, purpose: str, amount_fen: int) -> Refund:
    refund = _add(uow, payment, purpose, amount_fen)
    legs = (Leg(posting.CNY_SALES, -amount_fen), Leg(posting.REFUNDS_OWED, amount_fen))
    posting.post(uow, [Transfer(f"owed:{refund.id}", "owed", CNY, legs)])
    return refund


def _number(uow: UnitOfWork, payment: Payment) -> str:
    """Return the next refund's number of a locked payment: the first has none of its own."""
    query = select(func.count()).select_from(Refund).where(Refund.payment_id == payment.id)
    earlier = uow.session.scalar(query) or 0
    return f"R{payment.out_trade_no}" + (f"-{earlier + 1}" if earlier else "")


def _add(uow: UnitOfWork, payment: Payment, purpose: str, amount_fen: int) -> Refund:
    refund = Refund(
        id=new_id(),
        payment_id=payment.id,
        purpose=purpose,
        out_trade_no=payment.out_trade_no,
        out_refund_no=_number(uow, payment),
        total_fen=payment.amount_fen,
        amount_fen=amount_fen,
        reason=wording.name("refund_purpose", purpose).zh,
        state=rules.REQUESTED,
        try_at=uow.now,
        created_at=uow.now,
    )
    uow.session.add(refund)
    uow.session.flush()
    return refund


@dataclass(frozen=True)
class Attempt:
    """One attempt at a refund: how far it is, whose payment it is of, and what is asked."""

    state: str
    merchant: str
    is_first: bool
    request: RefundRequest


def claim(uow: UnitOfWork, refund_id: UUID) -> Attempt | None:
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
    is_first = refund.attempts == 0
    refund.try_at = uow.now + rules.retry_delay(refund.attempts)
    refund.attempts += 1
    request = RefundRequest(
        refund.out_trade_no,
        refund.out_refund_no,
        refund.total_fen,
        refund.amount_fen,
        refund.reason,
    )
    merchant = payment_queries.get_payment(uow.session, refund.payment_id).merchant
    return Attempt(refund.state, merchant, is_first, request)


def record_accepted(uow: UnitOfWork, refund_id: UUID, number: str) -> None:
    """WeChat took the refund on; its end is asked for later."""
    _accept(_lock(uow, Refund.id == refund_id), number)


def _accept(refund: Refund, number: str) -> None:
    if refund.state == rules.REQUESTED:
        refund.state = rules.ACCEPTED
        refund.refund_id = number


def record_ended(uow: UnitOfWork, refund_id: UUID, state: str) -> None:
    """Record success, with its posting, or failure, which waits for an operator."""
    _end(uow, _lock(uow, Refund.id == refund_id), state)


def _end(uow: UnitOfWork, refund: Refund, state: str) -> None:
    if refund.state == state:
        return
    rules.STATES.check(refund.state, state)
    refund.state = state
    refund.ended_at = uow.now
    if state == rules.SUCCEEDED:
        _post(uow, refund, posting.WECHAT_CLEARING)
    else:
        _tell_operators(uow, refund)


def record_notice(uow: UnitOfWork, merchant: str, notice: RefundNotice) -> None:
    """Record what a notice says of a refund: once, whatever arrives how often and when.

    It may come before the answer to our own request. Raises ForgedNotice for a number that we
    never used or another amount; then nothing is kept.
    """
    try:
        refund = _lock(uow, Refund.out_refund_no == notice.out_refund_no)
    except NotFound as error:
        raise ForgedNotice(reason="unknown number") from error
    if payment_queries.get_payment(uow.session, refund.payment_id).merchant != merchant:
        raise ForgedNotice(reason="another merchant")
    if refund.amount_fen != notice.refund_fen:
        raise ForgedNotice(reason="amount differs")
    if refund.state in (rules.REQUESTED, rules.ACCEPTED):
        _accept(refund, notice.refund_id)
        _end(uow, refund, rules.ENDED[notice.state])


def _post(uow: UnitOfWork, refund: Refund, to_account: str) -> None:
    is_late = refund.purpose == rules.LATE
    from_account = posting.LATE_PAYMENTS if is_late else posting.REFUNDS_OWED
    legs = (Leg(from_account, -refund.amount_fen), Leg(to_account, refund.amount_fen))
    posting.post(uow, [Transfer(f"refund:{refund.id}", "refund", CNY, legs)])


def _tell_operators(uow: UnitOfWork, refund: Refund) -> None:
    amount = yuan(refund.amount_fen)
    notice = NewNotice(
        OPS,
        None,
        "refund_failed",
        f"refund:{refund.id}:{refund.attempts}",
        f"退款 {refund.out_refund_no}（{amount} 元）未能由微信退回，请处理。",
        f"WeChat could not pay refund {refund.out_refund_no} (¥{amount}); see to it.",
    )
    staff_notices.notify(uow, [notice])


def retry(uow: UnitOfWork, refund_id: UUID) -> Refund:
    """Ask WeChat again for a refund that it refused; raises RefundStands, WrongState, NotFound."""
    refund = _lock(uow, Refund.id == refund_id)
    rules.STATES.check(refund.state, rules.REQUESTED)
    if refund.refund_id is not None:
        raise rules.RefundStands(refund_id=refund.refund_id)
    refund.state, refund.try_at, refund.ended_at = rules.REQUESTED, uow.now, None
    uow.session.flush()
    return refund


def settle(uow: UnitOfWork, refund_id: UUID, by: str, how: Settlement) -> Refund:
    """Record that a refund which failed at WeChat was paid another way; it is posted once.

    Raises WrongState and NotFound.
    """
    refund = _lock(uow, Refund.id == refund_id)
    rules.STATES.check(refund.state, rules.SETTLED)
    refund.state, refund.settled_by, refund.ended_at = rules.SETTLED, by, uow.now
    for name, value in vars(how).items():
        setattr(refund, name, value)
    _post(uow, refund, posting.REFUNDED_ELSEWHERE)
    uow.session.flush()
    return refund


def lock(uow: UnitOfWork, refund_id: UUID) -> Refund:
    """Lock a refund until the transaction ends; raise NotFound."""
    return _lock(uow, Refund.id == refund_id)


def record_error(uow: UnitOfWork, refund_id: UUID, error: str) -> None:
    """Keep why an attempt did not succeed."""
    _lock(uow, Refund.id == refund_id).last_error = error[:500]


def _lock(uow: UnitOfWork, which: ColumnElement[bool]) -> Refund:
    found = uow.session.scalars(
        select(Refund).where(which).with_for_update().execution_options(populate_existing=True)
    ).first()
    if found is None:
        raise NotFound("refund")
    return found
