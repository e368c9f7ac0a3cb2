"""API v2: XML in, XML out, one signature over all fields."""

import gzip
from collections.abc import Callable
from datetime import datetime
from typing import Any

from mocks.wechatpay import bills, trading, v2_wire
from mocks.wechatpay.fixture_files import Merchant
from mocks.wechatpay.state import BEIJING, Refund, State, Trade
from mocks.wechatpay.trading import Asked, AskedRefund, Refused

Fields = dict[str, str]
TRADE_TYPES = ("JSAPI", "NATIVE", "MWEB", "APP")
# What each reason is called; `refund` has words of its own for some.
CODES = {
    "appid_unknown": "APPID_NOT_EXIST",
    "missing": "LACK_PARAMS",
    "invalid": "INVALID_REQUEST",
    "parameter": "PARAM_ERROR",
    "paid": "ORDERPAID",
    "closed": "ORDERCLOSED",
    "number_used": "OUT_TRADE_NO_USED",
    "order_unknown": "ORDERNOTEXIST",
    "refund_unknown": "REFUNDNOTEXIST",
    "refund_invalid": "ERROR",
    "too_many": "INVALID_REQ_TOO_MUCH",
    "overdue": "TRADE_OVERDUE",
}
REFUND_STATES = {
    "SUCCESS": "SUCCESS",
    "PROCESSING": "PROCESSING",
    "ABNORMAL": "CHANGE",
    "CLOSED": "REFUNDCLOSE",
}
PAGE = 20


def _need(fields: Fields, *names: str) -> None:
    for name in names:
        if not fields.get(name):
            raise Refused("missing", f"缺少参数{name}")


def _whole(fields: Fields, name: str) -> int:
    if not fields[name].isdigit():
        raise Refused("invalid", f"{name}须为整数")
    return int(fields[name])


def _beijing(text: str) -> datetime | None:
    if not text:
        return None
    try:
        return datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=BEIJING)
    except ValueError as error:
        raise Refused("invalid", "time_expire格式错误") from error


def unified_order(state: State, merchant: Merchant, fields: Fields) -> dict[str, Any]:
    """`pay/unifiedorder`."""
    _need(fields, "body", "out_trade_no", "total_fee", "spbill_create_ip", "notify_url")
    _need(fields, "trade_type")
    if fields["trade_type"] not in TRADE_TYPES:
        raise Refused("invalid", "trade_type参数错误")
    trade = trading.place(
        state,
        merchant,
        Asked(
            appid=fields["appid"],
            out_trade_no=fields["out_trade_no"],
            description=fields["body"],
            total_fen=_whole(fields, "total_fee"),
            trade_type=fields["trade_type"],
            openid=fields.get("openid", ""),
            notify_url=fields["notify_url"],
            attach=fields.get("attach", ""),
            expires_at=_beijing(fields.get("time_expire", "")),
            api="v2",
        ),
    )
    answer = {"trade_type": trade.trade_type, "prepay_id": trade.prepay_id}
    if trade.trade_type == "NATIVE":
        answer["code_url"] = code_url(trade)
    if trade.trade_type == "MWEB":
        answer["mweb_url"] = h5_url(trade)
    return answer


def code_url(trade: Trade) -> str:
    """Return what the QR code of a trade holds."""
    return f"weixin://wxpay/bizpayurl?pr={trade.prepay_id[-12:]}"


def h5_url(trade: Trade) -> str:
    """Return where a mobile browser is sent to pay."""
    return f"https://wx.tenpay.com/checkmweb?prepay_id={trade.prepay_id}"


def order_query(state: State, merchant: Merchant, fields: Fields) -> dict[str, Any]:
    """`pay/orderquery`."""
    number, transaction = fields.get("out_trade_no", ""), fields.get("transaction_id", "")
    trade = trading.find(state, merchant, number, transaction)
    answer: dict[str, Any] = {
        "out_trade_no": trade.out_trade_no,
        "trade_state": trade.state,
        "trade_state_desc": trade.state,
    }
    if trade.paid_at:
        answer.update(paid_fields(trade))
    return answer


def paid_fields(trade: Trade) -> dict[str, Any]:
    """Return what query and notice say of a paid trade."""
    assert trade.paid_at is not None
    return {
        "openid": trade.openid,
        "is_subscribe": "N",
        "trade_type": trade.trade_type,
        "bank_type": "OTHERS",
        "total_fee": trade.paid_fen,
        "fee_type": "CNY",
        "cash_fee": trade.paid_fen,
        "transaction_id": trade.transaction_id,
        "out_trade_no": trade.out_trade_no,
        "attach": trade.attach,
        "time_end": trade.paid_at.astimezone(BEIJING).strftime("%Y%m%d%H%M%S"),
    }


def close_order(state: State, merchant: Merchant, fields: Fields) -> dict[str, Any]:
    """`pay/closeorder`."""
    _need(fields, "out_trade_no")
    trading.close(state, merchant, fields["out_trade_no"])
    return {}


def refund(state: State, merchant: Merchant, fields: Fields) -> dict[str, Any]:
    """`secapi/pay/refund`."""
    for name in ("out_refund_no", "total_fee", "refund_fee"):
        if not fields.get(name, ""):
            raise Refused("parameter", f"缺少参数{name}")
    asked = AskedRefund(
        out_trade_no=fields.get("out_trade_no", ""),
        transaction_id=fields.get("transaction_id", ""),
        out_refund_no=fields["out_refund_no"],
        total_fen=_whole(fields, "total_fee"),
        refund_fen=_whole(fields, "refund_fee"),
        notify_url=fields.get("notify_url", ""),
        api="v2",
    )
    trade, made = trading.refund(state, merchant, asked)
    return {
        "out_trade_no": trade.out_trade_no,
        "transaction_id": trade.transaction_id or "",
        "out_refund_no": made.out_refund_no,
        "refund_id": made.refund_id,
        "refund_fee": made.refund_fen,
        "total_fee": trade.paid_fen,
        "cash_fee": trade.paid_fen,
    }


def refund_query(state: State, merchant: Merchant, fields: Fields) -> dict[str, Any]:
    """`pay/refundquery`: twenty at a time, from `offset` on."""
    numbers = [fields.get(name, "") for name in ("out_refund_no", "refund_id", "out_trade_no")]
    trade, found = trading.find_refunds(state, merchant, *numbers)
    offset = int(fields["offset"]) if fields.get("offset", "").isdigit() else 0
    page = found[offset : offset + PAGE]
    answer: dict[str, Any] = {
        "out_trade_no": trade.out_trade_no,
        "transaction_id": trade.transaction_id or "",
        "total_fee": trade.paid_fen,
        "total_refund_count": len(found),
        "refund_count": len(page),
    }
    for index, each in enumerate(page):
        answer[f"out_refund_no_{index}"] = each.out_refund_no
        answer[f"refund_id_{index}"] = each.refund_id
        answer[f"refund_fee_{index}"] = each.refund_fen
        answer[f"refund_status_{index}"] = REFUND_STATES[each.state]
    return answer


def bill(state: State, merchant: Merchant, fields: Fields) -> bytes:
    """`pay/downloadbill`: text, packed where `tar_type` asks for it."""
    text = bills.of_day(
        state, merchant, fields.get("bill_date", ""), fields.get("bill_type") or "ALL"
    )
    return gzip.compress(text) if fields.get("tar_type") == "GZIP" else text


# Path, the operation's name in the control API, and what does it.
CALLS: dict[str, tuple[str, Callable[[State, Merchant, Fields], dict[str, Any]]]] = {
    "pay/unifiedorder": ("order", unified_order),
    "pay/orderquery": ("query", order_query),
    "pay/closeorder": ("close", close_order),
    "secapi/pay/refund": ("refund", refund),
    "pay/refundquery": ("refund_query", refund_query),
}
BILL_PATH = "pay/downloadbill"


def notice(state: State, merchant: Merchant, trade: Trade, order: dict[str, Any]) -> bytes:
    """Return a notice of a paid trade, tampered with as the order says."""
    fields = {
        "appid": order.get("appid", merchant.appid),
        "mch_id": order.get("mch_id", merchant.mch_id),
        "result_code": order.get("result_code", "SUCCESS"),
        "return_code": "SUCCESS",
        **paid_fields(trade),
    }
    if "fee_type" in order:
        fields["fee_type"] = order["fee_type"]
    if "total_fee" in order:
        fields["total_fee"] = fields["cash_fee"] = order["total_fee"]
    fields |= order.get("fields", {})
    sign_type = str(order.get("sign_type", "MD5"))
    if sign_type != "MD5":
        fields["sign_type"] = sign_type
    full = v2_wire.signed(state, fields, str(order.get("key", merchant.pay_key)), sign_type)
    if order.get("drop_signature"):
        del full["sign"]
    return v2_wire.render(full)


def refund_notice(
    state: State, merchant: Merchant, trade: Trade, made: Refund, order: dict[str, Any]
) -> bytes:
    """Return a notice of a refund, encrypted, tampered with as the order says."""
    inner = {
        "transaction_id": trade.transaction_id,
        "out_trade_no": made.out_trade_no,
        "refund_id": made.refund_id,
        "out_refund_no": made.out_refund_no,
        "total_fee": trade.paid_fen,
        "refund_fee": order.get("refund_fee", made.refund_fen),
        "settlement_refund_fee": made.refund_fen,
        "refund_status": REFUND_STATES[made.state],
        "success_time": state.now().astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S"),
        **order.get("fields", {}),
    }
    outer = {
        "return_code": "SUCCESS",
        "appid": merchant.appid,
        "mch_id": order.get("mch_id", merchant.mch_id),
        "nonce_str": state.number("9"),
        "req_info": v2_wire.sealed(inner, str(order.get("key", merchant.pay_key))),
    }
    return v2_wire.render(outer)
