"""Talk to WeChat about a payment: always outside a transaction, then record the answer."""

from flask import current_app

from mall.kernel.uow import unit_of_work
from orders.payments import rules, service
from orders.payments.gateway import PaymentGateway, PrepayRequest, TradeState
from orders.payments.service import Begun


def gateway() -> PaymentGateway:
    """Return the provider this application is configured with."""
    found: PaymentGateway = current_app.extensions["mall_payment_gateway"]
    return found


def ensure_prepaid(begun: Begun, openid: str | None) -> tuple[str, str | None]:
    """Get what is needed for paying, once; return prepay id and code URL.

    A lost answer is harmless: the same number asked again gives the same payment.
    """
    if begun.prepay_id is not None:
        return begun.prepay_id, begun.code_url
    prepaid = gateway().prepay(
        PrepayRequest(
            out_trade_no=begun.out_trade_no,
            amount_fen=begun.amount_fen,
            body=begun.body,
            trade_type=begun.trade_type,
            openid=openid if begun.trade_type == rules.JSAPI else None,
            expires_at=begun.expires_at,
        )
    )
    with unit_of_work() as uow:
        service.record_prepay(uow, begun.payment_id, prepaid.prepay_id, prepaid.code_url)
    return prepaid.prepay_id, prepaid.code_url


def record(out_trade_no: str, trade: TradeState) -> None:
    """Write down what WeChat said of a payment."""
    if trade.is_paid:
        assert trade.transaction_id is not None and trade.amount_fen is not None
        with unit_of_work() as uow:
            service.record_success(uow, out_trade_no, trade.transaction_id, trade.amount_fen)
    elif trade.state in ("CLOSED", "REVOKED"):
        with unit_of_work() as uow:
            service.record_closed(uow, out_trade_no)


def close(out_trade_no: str) -> TradeState:
    """Close a payment at WeChat and record what came of it: closed, or paid before."""
    trade = gateway().close(out_trade_no)
    record(out_trade_no, trade)
    return trade


def query(out_trade_no: str) -> TradeState:
    """Ask WeChat about a payment and record the answer."""
    trade = gateway().query(out_trade_no)
    record(out_trade_no, trade)
    return trade
