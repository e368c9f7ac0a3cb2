"""Begin payments, record what WeChat says of them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy import select

from catalog.stock import service as stock_service
from mall.kernel.db import delete_some
from mall.kernel.ids import new_id, new_number
from mall.kernel.uow import UnitOfWork
from mall.ledger.service import funds, posting, wallet
from mall.ledger.service.posting import CNY, Leg, Transfer
from orders.messages import FundPaid, LatePaymentReceived
from orders.order import queries as order_queries
from orders.order import rules as order_rules
from orders.order import service as order_service
from orders.order.models import Order
from orders.payments import queries, rules
from orders.payments.gateway import WireMessage
from orders.payments.models import GatewayMessage, Payment
from orders.payments.rules import ConfirmedPayment

log = structlog.get_logger(__name__)

MIN_WINDOW = timedelta(minutes=1)
FUNDING_WINDOW = timedelta(hours=2)


@dataclass(frozen=True)
class PendingPayment:
    """A payment to be asked of WeChat: its numbers, and what was already got for it."""

    payment_id: UUID
    merchant: str
    out_trade_no: str
    amount_fen: int
    body: str
    trade_type: str
    prepay_id: str | None
    code_url: str | None
    expires_at: datetime


@dataclass(frozen=True)
class PaymentTerms:
    """What is asked of WeChat: by which merchant, how it is paid, how much and until when."""

    merchant: str
    trade_type: str
    amount_fen: int
    expires_at: datetime


def begin_payment(
    uow: UnitOfWork, member_id: UUID, order_id: UUID, trade_type: str, merchant: str
) -> PendingPayment:
    """Record the intent to collect an order's WeChat part; the open one of that type is reused.

    Raises PaymentNotNeeded and PaymentWindowClosed. WeChat is asked only after the commit.
    """
    order_queries.order_of_member(uow.session, order_id, member_id)
    order = order_service.lock(uow, order_id)
    if order.state != order_rules.AWAITING_PAYMENT or order.pay_by is None:
        raise rules.PaymentNotNeeded()
    # WeChat opens no payment that ends within a minute.
    if order.pay_by - uow.now < MIN_WINDOW:
        raise rules.PaymentWindowClosed()
    known = uow.session.scalars(
        select(Payment).where(
            Payment.order_id == order_id,
            Payment.trade_type == trade_type,
            Payment.state == rules.OPEN,
        )
    ).first()
    # Reused: each further number would have to be closed before the order can be cancelled.
    payment = known or _new_payment(uow, order, trade_type, merchant)
    lines = order_queries.lines_of(uow.session, [order_id])[order_id]
    return _begun(payment, rules.goods_text([line.title for line in lines]))


def begin_funding(
    uow: UnitOfWork, fund_id: UUID, amount_fen: int, about: str, merchant: str
) -> PendingPayment:
    """Record the intent to collect money for a fund by a QR code that anybody may pay.

    The open one of the same amount is reused; another amount replaces none that is still open.
    Raises PaymentOpen there.
    """
    known = uow.session.scalars(
        select(Payment).where(Payment.order_id == fund_id, Payment.state == rules.OPEN)
    ).first()
    if known is not None and known.amount_fen != amount_fen:
        raise rules.PaymentOpen("amount_fen", amount_fen=known.amount_fen)
    terms = PaymentTerms(merchant, rules.NATIVE, amount_fen, uow.now + FUNDING_WINDOW)
    payment = known or _add_payment(uow, rules.FOR_FUND, fund_id, terms)
    return _begun(payment, rules.goods_text([about]))


def _begun(payment: Payment, body: str) -> PendingPayment:
    return PendingPayment(
        payment.id,
        payment.merchant,
        payment.out_trade_no,
        payment.amount_fen,
        body,
        payment.trade_type,
        payment.prepay_id,
        payment.code_url,
        payment.expires_at,
    )


def _new_payment(uow: UnitOfWork, order: Order, trade_type: str, merchant: str) -> Payment:
    assert order.pay_by is not None
    terms = PaymentTerms(merchant, trade_type, order.wechat_fen, order.pay_by)
    return _add_payment(uow, rules.FOR_ORDER, order.id, terms)


def _add_payment(uow: UnitOfWork, purpose: str, subject_id: UUID, terms: PaymentTerms) -> Payment:
    payment = Payment(
        id=new_id(),
        order_id=subject_id,
        purpose=purpose,
        out_trade_no=new_number("P", uow.now),
        state=rules.OPEN,
        created_at=uow.now,
        **vars(terms),
        # Asked about even if nobody comes back: a notice that is lost must not lose the money.
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


def record_success(uow: UnitOfWork, paid: ConfirmedPayment) -> None:
    """Apply a payment that WeChat confirmed: once, whatever arrives how often and when.

    A fund gets what was paid for it. An order that waits becomes paid; money for one that was
    cancelled, or paid by another payment, is kept apart and announced to be sent back. Raises
    ForgedNotice for a payment we never asked for, by another merchant, or of another amount;
    then nothing is kept.
    """
    found = queries.find_payment(uow.session, paid.out_trade_no)
    if found is None:
        raise rules.ForgedNotice(reason="unknown number")
    if found.merchant != paid.merchant:
        raise rules.ForgedNotice(reason="another merchant")
    # The order before its payment, as whoever cancels it locks them.
    is_order = found.purpose == rules.FOR_ORDER
    order = order_service.lock(uow, found.order_id) if is_order else None
    payment = uow.session.scalars(
        select(Payment)
        .where(Payment.id == found.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    amount_fen, transaction_id = paid.amount_fen, paid.transaction_id
    if payment.amount_fen != amount_fen:
        log.error("payment_amount_differs", out_trade_no=paid.out_trade_no, amount_fen=amount_fen)
        raise rules.ForgedNotice(reason="amount differs")
    # Notice, question and closing may all bring the same news.
    if payment.state == rules.PAID:
        if payment.transaction_id != transaction_id:
            raise rules.ForgedNotice(reason="another transaction")
        return
    rules.STATES.check(payment.state, rules.PAID)
    payment.state = rules.PAID
    payment.transaction_id = transaction_id
    payment.paid_at = uow.now
    if order is None:
        funds.deposit(
            uow, payment.order_id, amount_fen, posting.WECHAT_CLEARING, f"payment:{payment.id}"
        )
        uow.emit(FundPaid(str(payment.order_id), str(payment.id)))
        return
    # Decided under the order's lock: cancelled or paid otherwise an instant ago, it is late.
    payment.is_late = order.state != order_rules.AWAITING_PAYMENT
    to_account = posting.LATE_PAYMENTS if payment.is_late else posting.CNY_SALES
    legs = (Leg(posting.WECHAT_CLEARING, -amount_fen), Leg(to_account, amount_fen))
    posting.post(uow, [Transfer(f"payment:{payment.id}", "payment", CNY, legs)])
    if payment.is_late:
        uow.emit(LatePaymentReceived(str(payment.id)))
        return
    wallet.capture(uow, order.id)
    # The reservation ends here; the rows of stock are written last, with all that is deferred.
    consumed = stock_service.consuming(uow, order.id)
    order_service.mark_paid(uow, order, f"wechat:{transaction_id}")
    uow.defer(*consumed)


def record_closed(uow: UnitOfWork, out_trade_no: str) -> None:
    """Record that WeChat closed a payment; a paid one stays paid."""
    payment = uow.session.scalars(
        select(Payment)
        .where(Payment.out_trade_no == out_trade_no)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    # The notice of its payment may have been faster than our closing.
    if payment.state == rules.OPEN:
        payment.state = rules.CLOSED


def postpone_query(uow: UnitOfWork, out_trade_no: str) -> None:
    """Set when a payment is asked about next, each time later."""
    payment = queries.find_payment(uow.session, out_trade_no)
    if payment is not None:
        payment.query_at = uow.now + rules.query_delay(payment.query_count)
        payment.query_count += 1


def keep_message(uow: UnitOfWork, message: WireMessage) -> None:
    """Keep a notice, in the transaction of its effect."""
    uow.session.add(GatewayMessage(id=new_id(), at=uow.now, **vars(message)))


def forget_messages(uow: UnitOfWork) -> int:
    """Delete messages that were kept long enough, some at a time; return how many."""
    before = {"before": uow.now - rules.KEEP_MESSAGES}
    return delete_some(uow.session, "gateway_message", "at < :before", before)
