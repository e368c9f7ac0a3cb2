"""Begin payments, record what WeChat says of them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy import select

from catalog.stock import service as stock
from mall.kernel.ids import new_id, new_number
from mall.kernel.uow import UnitOfWork
from mall.ledger import service as ledger
from mall.ledger import wallet
from mall.ledger.service import CNY, Leg, Transfer
from orders.messages import LatePaymentReceived
from orders.order import queries as orders
from orders.order import rules as order_rules
from orders.order import service as order_service
from orders.order.models import Order
from orders.payments import queries, rules
from orders.payments.models import Payment

log = structlog.get_logger(__name__)

MIN_WINDOW = timedelta(minutes=1)


@dataclass(frozen=True)
class Begun:
    """A payment to be asked of WeChat: its numbers, and what was already got for it."""

    payment_id: UUID
    out_trade_no: str
    amount_fen: int
    body: str
    trade_type: str
    prepay_id: str | None
    code_url: str | None
    expires_at: datetime


def begin_payment(uow: UnitOfWork, member_id: UUID, order_id: UUID, trade_type: str) -> Begun:
    """Record the intent to collect an order's WeChat part; the open one of that type is reused.

    Raises PaymentNotNeeded and PaymentWindowClosed. WeChat is asked only after the commit.
    """
    orders.get_order(uow.session, order_id, member_id)
    order = order_service.lock(uow, order_id)
    if order.state != order_rules.AWAITING_PAYMENT or order.pay_by is None:
        raise rules.PaymentNotNeeded()
    if order.pay_by - uow.now < MIN_WINDOW:
        raise rules.PaymentWindowClosed()
    known = uow.session.scalars(
        select(Payment).where(
            Payment.order_id == order_id,
            Payment.trade_type == trade_type,
            Payment.state == rules.OPEN,
        )
    ).first()
    payment = known or _new_payment(uow, order, trade_type)
    lines = orders.lines_of(uow.session, [order_id])[order_id]
    return Begun(
        payment.id,
        payment.out_trade_no,
        payment.amount_fen,
        rules.goods_text([line.title for line in lines]),
        trade_type,
        payment.prepay_id,
        payment.code_url,
        payment.expires_at,
    )


def _new_payment(uow: UnitOfWork, order: Order, trade_type: str) -> Payment:
    payment = Payment(
        id=new_id(),
        order_id=order.id,
        out_trade_no=new_number("P", uow.now),
        trade_type=trade_type,
        amount_fen=order.wechat_fen,
        state=rules.OPEN,
        created_at=uow.now,
        expires_at=order.pay_by,
        query_at=uow.now + rules.FIRST_QUERY,
    )
    uow.session.add(payment)
    uow.session.flush()
    return payment


def record_prepay(uow: UnitOfWork, payment_id: UUID, prepay_id: str, code_url: str | None) -> None:
    """Keep what WeChat gave for paying."""
    payment = queries.get_payment(uow.session, payment_id)
    payment.prepay_id = prepay_id
    payment.code_url = code_url


def record_success(
    uow: UnitOfWork, out_trade_no: str, transaction_id: str, amount_fen: int
) -> None:
    """Apply a payment that WeChat confirmed: once, whatever arrives how often and when.

    An order that waits becomes paid; money for one that was cancelled, or paid by another
    payment, is kept apart and announced to be sent back. Raises ForgedNotice for a payment we
    never asked for or another amount; then nothing is kept.
    """
    found = queries.find_payment(uow.session, out_trade_no)
    if found is None:
        raise rules.ForgedNotice(reason="unknown number")
    order = order_service.lock(uow, found.order_id)
    payment = uow.session.scalars(
        select(Payment)
        .where(Payment.id == found.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    if payment.amount_fen != amount_fen:
        log.error("payment_amount_differs", out_trade_no=out_trade_no, amount_fen=amount_fen)
        raise rules.ForgedNotice(reason="amount differs")
    if payment.state == rules.PAID:
        if payment.transaction_id != transaction_id:
            raise rules.ForgedNotice(reason="another transaction")
        return
    rules.STATES.check(payment.state, rules.PAID)
    payment.state = rules.PAID
    payment.transaction_id = transaction_id
    payment.paid_at = uow.now
    payment.is_late = order.state != order_rules.AWAITING_PAYMENT
    to_account = ledger.LATE_PAYMENTS if payment.is_late else ledger.CNY_SALES
    legs = (Leg(ledger.WECHAT_CLEARING, -amount_fen), Leg(to_account, amount_fen))
    ledger.post(uow, [Transfer(f"payment:{payment.id}", "payment", CNY, legs)])
    if payment.is_late:
        uow.emit(LatePaymentReceived(str(payment.id)))
        return
    wallet.capture(uow, order.id)
    stock.consume(uow, order.id)
    order_service.mark_paid(uow, order, f"wechat:{transaction_id}")


def record_closed(uow: UnitOfWork, out_trade_no: str) -> None:
    """Record that WeChat closed a payment; a paid one stays paid."""
    payment = uow.session.scalars(
        select(Payment)
        .where(Payment.out_trade_no == out_trade_no)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    if payment.state == rules.OPEN:
        payment.state = rules.CLOSED


def postpone_query(uow: UnitOfWork, out_trade_no: str) -> None:
    """Set when a payment is asked about next, each time later."""
    payment = queries.find_payment(uow.session, out_trade_no)
    if payment is not None:
        payment.query_at = uow.now + rules.query_delay(payment.query_count)
        payment.query_count += 1
