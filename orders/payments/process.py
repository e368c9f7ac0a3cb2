"""Talk to WeChat about a payment: always outside a transaction, then record the answer."""

import structlog
from psycopg import Error

from mall.kernel import clock
from mall.kernel.db import current_pool, driver_sql
from mall.kernel.ids import new_id
from mall.kernel.settings import installed
from mall.kernel.uow import reading, unit_of_work
from orders.payments import queries, rules, service
from orders.payments.gateway import NOWHERE, PaymentGateway, PrepayRequest, TradeState, WireMessage
from orders.payments.service import PendingPayment
from orders.payments.statements import KEEP
from orders.payments.wechat.merchants import Merchant, Merchants

log = structlog.get_logger(__name__)


def merchants() -> Merchants:
    """Return the merchants this application is configured with."""
    found: Merchants = installed("mall_merchants")
    return found


def merchant(name: str) -> Merchant:
    """Return a merchant by name; raises UnknownMerchant."""
    return merchants().get(name)


def gateway_of(out_trade_no: str) -> tuple[str, PaymentGateway]:
    """Return the merchant that a payment was asked for, and its provider."""
    with reading() as session:
        name = queries.merchant_of(session, out_trade_no)
    return name, merchant(name).gateway


def record_message(message: WireMessage) -> None:
    """Keep what went over the wire, in a statement of its own; never fails."""
    # Outside of any transaction: what went over the wire is kept even where its effect is undone.
    values = {**vars(message), "id": new_id(), "at": clock.now()}
    try:
        current_pool().write(driver_sql(KEEP), values)
    except Error as error:
        log.warning("wire_message_not_kept", operation=message.operation, error=str(error))


def ensure_prepaid(
    begun: PendingPayment, openid: str | None, client_ip: str | None
) -> tuple[str, str | None]:
    """Get what is needed for paying, once; return prepay id and code URL.

    A lost answer is harmless: the same number asked again gives the same payment.
    """
    if begun.prepay_id is not None:
        return begun.prepay_id, begun.code_url
    prepaid = merchant(begun.merchant).gateway.create(
        PrepayRequest(
            out_trade_no=begun.out_trade_no,
            amount_fen=begun.amount_fen,
            body=begun.body,
            trade_type=begun.trade_type,
            # Only a payment inside of WeChat is bound to who pays; anybody may scan a code.
            openid=openid if begun.trade_type == rules.JSAPI else None,
            expires_at=begun.expires_at,
            client_ip=client_ip or NOWHERE,
        )
    )
    with unit_of_work() as uow:
        service.record_prepay(uow, begun.payment_id, prepaid.prepay_id, prepaid.code_url)
    return prepaid.prepay_id, prepaid.code_url


def record(name: str, out_trade_no: str, trade: TradeState) -> None:
    """Write down what WeChat said of a merchant's payment."""
    if trade.is_paid:
        assert trade.transaction_id is not None and trade.amount_fen is not None
        paid = rules.ConfirmedPayment(name, out_trade_no, trade.transaction_id, trade.amount_fen)
        with unit_of_work() as uow:
            service.record_success(uow, paid)
    elif trade.state in ("CLOSED", "REVOKED"):
        with unit_of_work() as uow:
            service.record_closed(uow, out_trade_no)


def close(out_trade_no: str) -> TradeState:
    """Close a payment at WeChat and record what came of it: closed, or paid before."""
    name, gateway = gateway_of(out_trade_no)
    trade = gateway.close(out_trade_no)
    record(name, out_trade_no, trade)
    return trade


def query(out_trade_no: str) -> TradeState:
    """Ask WeChat about a payment and record the answer."""
    name, gateway = gateway_of(out_trade_no)
    trade = gateway.query(out_trade_no)
    record(name, out_trade_no, trade)
    return trade
