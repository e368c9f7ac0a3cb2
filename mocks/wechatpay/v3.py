"""API v3: JSON in, JSON out, statuses of HTTP, sealed notices."""

import hashlib
import json
from datetime import datetime
from typing import Any

from mocks.wechatpay import bills, trading, v3_wire
from mocks.wechatpay.fixture_files import Merchant
from mocks.wechatpay.state import BEIJING, Refund, State, Trade
from mocks.wechatpay.trading import Asked, AskedRefund, Refused
from mocks.wechatpay.v2 import code_url, h5_url

TRADE_TYPES = {"jsapi": "JSAPI", "native": "NATIVE", "h5": "MWEB", "app": "APP"}
# Status and code of each reason.
CODES = {
    "appid_unknown": (400, "PARAM_ERROR"),
    "missing": (400, "PARAM_ERROR"),
    "invalid": (400, "PARAM_ERROR"),
    "parameter": (400, "PARAM_ERROR"),
    "paid": (400, "ORDERPAID"),
    "closed": (400, "ORDER_CLOSED"),
    "number_used": (403, "OUT_TRADE_NO_USED"),
    "order_unknown": (404, "ORDER_NOT_EXIST"),
    "refund_unknown": (404, "RESOURCE_NOT_EXISTS"),
    "refund_invalid": (400, "INVALID_REQUEST"),
    "too_many": (400, "INVALID_REQUEST"),
    "overdue": (400, "INVALID_REQUEST"),
    "no_bill": (400, "NO_STATEMENT_EXIST"),
}
# Codes that the control API may ask for; others come with status 400.
STATUSES = {
    "SIGN_ERROR": 401,
    "NO_AUTH": 403,
    "NOT_ENOUGH": 403,
    "USER_ACCOUNT_ABNORMAL": 403,
    "FREQUENCY_LIMITED": 429,
    "RATELIMIT_EXCEEDED": 429,
    "SYSTEM_ERROR": 500,
}


def _text(body: Any, name: str) -> str:
    value = body.get(name) if isinstance(body, dict) else None
    if not isinstance(value, str) or not value:
        raise Refused("missing", f"缺少参数{name}")
    return value


def _amount(body: Any, name: str) -> int:
    amount = body.get("amount")
    value = amount.get(name) if isinstance(amount, dict) else None
    if type(value) is not int:
        raise Refused("parameter", f"amount.{name}须为整数")
    if amount.get("currency", "CNY") != "CNY":
        raise Refused("parameter", "currency只支持CNY")
    return value


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except (ValueError, TypeError) as error:
        raise Refused("parameter", "time_expire格式错误") from error
    if moment.tzinfo is None:
        raise Refused("parameter", "time_expire须带时区")
    return moment


def _rfc(moment: datetime) -> str:
    return moment.astimezone(BEIJING).isoformat(timespec="seconds")


def prepay(state: State, merchant: Merchant, kind: str, body: Any) -> dict[str, Any]:
    """`POST /v3/pay/transactions/{jsapi,native,h5,app}`."""
    if _text(body, "mchid") != merchant.mch_id:
        raise Refused("parameter", "mchid与签名的商户不一致")
    payer = body.get("payer")
    trade = trading.place(
        state,
        merchant,
        Asked(
            appid=_text(body, "appid"),
            out_trade_no=_text(body, "out_trade_no"),
            description=_text(body, "description"),
            total_fen=_amount(body, "total"),
            trade_type=TRADE_TYPES[kind],
            openid=str(payer.get("openid", "")) if isinstance(payer, dict) else "",
            notify_url=_text(body, "notify_url"),
            attach=str(body.get("attach", "")),
            expires_at=_moment(body.get("time_expire")),
            api="v3",
        ),
    )
    if kind == "native":
        return {"code_url": code_url(trade)}
    if kind == "h5":
        return {"h5_url": h5_url(trade)}
    return {"prepay_id": trade.prepay_id}


def trade_view(trade: Trade) -> dict[str, Any]:
    """Return what query and notice say of a trade."""
    view: dict[str, Any] = {
        "appid": trade.appid,
        "mchid": trade.mch_id,
        "out_trade_no": trade.out_trade_no,
        "trade_state": trade.state,
        "trade_state_desc": trade.state,
        "attach": trade.attach,
        "amount": {"total": trade.total_fen, "currency": "CNY"},
    }
    if trade.paid_at:
        view |= {
            "transaction_id": trade.transaction_id,
            "trade_type": trade.trade_type,
            "bank_type": "OTHERS",
            "success_time": _rfc(trade.paid_at),
            "payer": {"openid": trade.openid},
        }
        view["amount"] |= {"payer_total": trade.paid_fen, "payer_currency": "CNY"}
    return view


def refund(state: State, merchant: Merchant, body: Any) -> dict[str, Any]:
    """`POST /v3/refund/domestic/refunds`."""
    if not isinstance(body, dict) or not (body.get("out_trade_no") or body.get("transaction_id")):
        raise Refused("missing", "缺少参数out_trade_no")
    asked = AskedRefund(
        out_trade_no=str(body.get("out_trade_no", "")),
        transaction_id=str(body.get("transaction_id", "")),
        out_refund_no=_text(body, "out_refund_no"),
        total_fen=_amount(body, "total"),
        refund_fen=_amount(body, "refund"),
        notify_url=str(body.get("notify_url", "")),
        api="v3",
    )
    return refund_view(*trading.refund(state, merchant, asked))


def refund_view(trade: Trade, made: Refund) -> dict[str, Any]:
    """Return what answers say of a refund."""
    view = {
        "refund_id": made.refund_id,
        "out_refund_no": made.out_refund_no,
        "transaction_id": trade.transaction_id or "",
        "out_trade_no": made.out_trade_no,
        "channel": "ORIGINAL",
        "user_received_account": "支付用户的零钱",
        "create_time": _rfc(made.created_at),
        "status": made.state,
        "funds_account": "AVAILABLE",
        "amount": {
            "total": trade.paid_fen,
            "refund": made.refund_fen,
            "payer_total": trade.paid_fen,
            "payer_refund": made.refund_fen,
            "settlement_refund": made.refund_fen,
            "settlement_total": trade.paid_fen,
            "discount_refund": 0,
            "currency": "CNY",
        },
    }
    if made.state == "SUCCESS":
        view["success_time"] = _rfc(made.created_at)
    return view


def trade_bill(
    state: State, merchant: Merchant, asked: dict[str, str], base: str
) -> dict[str, str]:
    """`GET /v3/bill/tradebill`: where to fetch the bill, and the hash of its plain text."""
    day, kind = asked.get("bill_date", ""), asked.get("bill_type") or "ALL"
    text = bills.of_day(state, merchant, day.replace("-", ""), kind)
    packed = "&tar_type=GZIP" if asked.get("tar_type") == "GZIP" else ""
    return {
        "hash_type": "SHA1",
        "hash_value": hashlib.sha1(text, usedforsecurity=False).hexdigest(),
        "download_url": f"{base}/v3/billdownload/file?token={day}-{kind}{packed}",
    }


def certificates(state: State, merchant: Merchant) -> dict[str, Any]:
    """`GET /v3/certificates`: the platform's certificate, encrypted."""
    certificate = state.fixtures.platform_certificate
    sealed = v3_wire.sealed(
        state, state.fixtures.platform_certificate_pem, merchant.apiv3_key, "certificate"
    )
    return {
        "data": [
            {
                "serial_no": format(certificate.serial_number, "X"),
                "effective_time": _rfc(certificate.not_valid_before_utc),
                "expire_time": _rfc(certificate.not_valid_after_utc),
                "encrypt_certificate": sealed,
            }
        ]
    }


def _message(
    state: State, kind: str, sealed: dict[str, str], summary: str, order: dict[str, Any]
) -> tuple[bytes, dict[str, str]]:
    text = json.dumps(
        {
            "id": state.number("EV-", 35),
            "create_time": _rfc(state.now()),
            "resource_type": "encrypt-resource",
            "event_type": kind,
            "summary": summary,
            "resource": sealed,
        },
        ensure_ascii=False,
    )
    signed = v3_wire.headers(state, text, order)
    if order.get("tamper"):
        text = text.replace(f'"summary": "{summary}"', f'"summary": "{summary}！"')
    return text.encode(), {"Content-Type": "application/json", **signed}


def notice(
    state: State, merchant: Merchant, trade: Trade, order: dict[str, Any]
) -> tuple[bytes, dict[str, str]]:
    """Return body and headers of a notice of a paid trade, tampered with as the order says.

    Orders in the words of API v2 (`total_fee`, `fee_type`, `mch_id`, `result_code`) are understood.
    """
    view = trade_view(trade)
    view["appid"] = order.get("appid", merchant.appid)
    view["mchid"] = order.get("mch_id", merchant.mch_id)
    if "total_fee" in order:
        view["amount"] |= {"total": order["total_fee"], "payer_total": order["total_fee"]}
    if "fee_type" in order:
        view["amount"]["currency"] = order["fee_type"]
    if order.get("result_code", "SUCCESS") != "SUCCESS":
        view["trade_state"] = "PAYERROR"
    view |= order.get("fields", {})
    key = str(order.get("apiv3_key", merchant.apiv3_key))
    sealed = v3_wire.sealed(state, json.dumps(view), key, "transaction")
    return _message(state, "TRANSACTION.SUCCESS", sealed, "支付成功", order)


def refund_notice(
    state: State, merchant: Merchant, trade: Trade, made: Refund, order: dict[str, Any]
) -> tuple[bytes, dict[str, str]]:
    """Return body and headers of a notice of a refund, tampered with as the order says."""
    refunded = order.get("refund_fee", made.refund_fen)
    view = {
        "mchid": order.get("mch_id", merchant.mch_id),
        "transaction_id": trade.transaction_id,
        "out_trade_no": trade.out_trade_no,
        "refund_id": made.refund_id,
        "out_refund_no": made.out_refund_no,
        "refund_status": made.state,
        "success_time": _rfc(state.now()),
        "user_received_account": "支付用户的零钱",
        "amount": {
            "total": trade.paid_fen,
            "refund": refunded,
            "payer_total": trade.paid_fen,
            "payer_refund": refunded,
        },
        **order.get("fields", {}),
    }
    key = str(order.get("apiv3_key", merchant.apiv3_key))
    sealed = v3_wire.sealed(state, json.dumps(view), key, "refund")
    return _message(state, f"REFUND.{made.state}", sealed, "退款结果", order)
