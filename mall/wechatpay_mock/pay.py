"""The calls of API v2: unified order, query, close, refund, refund query."""

import re
import secrets
from datetime import datetime, timedelta
from typing import Any

from mall.wechatpay_mock.state import BEIJING, Refund, State, Trade, new_number

_OUT_TRADE_NO = re.compile(r"[0-9A-Za-z_\-|*@]{1,32}")
_TRADE_TYPES = {"JSAPI", "NATIVE", "MWEB", "APP"}
MAX_REFUNDS = 50

Fields = dict[str, str]


class Refused(Exception):
    """A business error with WeChat's own code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code)
        self.code = code
        self.message = message


def unified_order(state: State, fields: Fields) -> dict[str, Any]:
    """`pay/unifiedorder`."""
    _check_order(fields)
    known = state.trades.get(fields["out_trade_no"])
    if known is not None:
        return _again(known, fields)
    expires_at = None
    if fields.get("time_expire"):
        expires_at = _beijing(fields["time_expire"])
        if expires_at - state.now() < timedelta(minutes=1) - timedelta(seconds=5):
            raise Refused("INVALID_REQUEST", "time_expire时间过短，刷新后再试")
    trade = Trade(fields, "wx" + secrets.token_hex(17), state.now(), expires_at)
    if not state.is_stateless:
        state.trades[fields["out_trade_no"]] = trade
    return _prepaid(trade)


def _beijing(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=BEIJING)
    except ValueError as error:
        raise Refused("INVALID_REQUEST", "time_expire格式错误") from error


def _check_order(fields: Fields) -> None:
    needed = ("body", "out_trade_no", "total_fee", "spbill_create_ip", "notify_url", "trade_type")
    for name in needed:
        if not fields.get(name):
            raise Refused("LACK_PARAMS", f"缺少参数{name}")
    if fields["trade_type"] not in _TRADE_TYPES:
        raise Refused("INVALID_REQUEST", "trade_type参数错误")
    if fields["trade_type"] == "JSAPI" and not fields.get("openid"):
        raise Refused("LACK_PARAMS", "JSAPI支付必须传openid")
    if not _OUT_TRADE_NO.fullmatch(fields["out_trade_no"]):
        raise Refused("INVALID_REQUEST", "out_trade_no格式错误")
    if not fields["total_fee"].isdigit() or int(fields["total_fee"]) < 1:
        raise Refused("INVALID_REQUEST", "total_fee须为大于0的整数")
    if len(fields["body"].encode()) > 127:
        raise Refused("INVALID_REQUEST", "body长度超过限制")
    if "?" in fields["notify_url"]:
        raise Refused("INVALID_REQUEST", "notify_url不能携带参数")


def _again(known: Trade, fields: Fields) -> dict[str, Any]:
    if known.state in ("SUCCESS", "REFUND"):
        raise Refused("ORDERPAID", "该订单已支付")
    if known.state == "CLOSED":
        raise Refused("ORDERCLOSED", "该订单已关闭")
    same = ("total_fee", "trade_type", "body", "openid")
    if any(known.fields.get(name) != fields.get(name) for name in same):
        raise Refused("OUT_TRADE_NO_USED", "商户订单号重复")
    return _prepaid(known)


def _prepaid(trade: Trade) -> dict[str, Any]:
    answer = {"trade_type": trade.fields["trade_type"], "prepay_id": trade.prepay_id}
    if trade.fields["trade_type"] == "NATIVE":
        answer["code_url"] = f"weixin://wxpay/bizpayurl?pr={trade.prepay_id[-12:]}"
    if trade.fields["trade_type"] == "MWEB":
        answer["mweb_url"] = f"https://wx.tenpay.com/checkmweb?prepay_id={trade.prepay_id}"
    return answer


def find_trade(state: State, fields: Fields) -> Trade:
    """Return the trade a request names by either number; a canned one in stateless mode."""
    if state.is_stateless:
        number = fields.get("out_trade_no") or "P000000000000"
        canned = {"out_trade_no": number, "total_fee": "1", "trade_type": "JSAPI"}
        return Trade(canned, "wx" + "0" * 34, state.now(), None)
    if fields.get("out_trade_no"):
        trade = state.trades.get(fields["out_trade_no"])
    else:
        wanted = fields.get("transaction_id")
        found = (t for t in state.trades.values() if wanted and t.transaction_id == wanted)
        trade = next(found, None)
    if trade is None:
        raise Refused("ORDERNOTEXIST", "此交易订单号不存在")
    return trade


def order_query(state: State, fields: Fields) -> dict[str, Any]:
    """`pay/orderquery`."""
    trade = find_trade(state, fields)
    if trade.state == "NOTPAY" and trade.expires_at and trade.expires_at <= state.now():
        trade.state = "CLOSED"
    answer: dict[str, Any] = {
        "out_trade_no": trade.fields["out_trade_no"],
        "trade_state": trade.state,
        "trade_state_desc": trade.state,
    }
    if trade.transaction_id:
        answer.update(paid_fields(trade))
    return answer


def paid_fields(trade: Trade) -> dict[str, Any]:
    """Return what query and notice say of a paid trade."""
    return {
        "openid": trade.openid,
        "is_subscribe": "N",
        "trade_type": trade.fields["trade_type"],
        "bank_type": "OTHERS",
        "total_fee": trade.paid_fen,
        "fee_type": "CNY",
        "cash_fee": trade.paid_fen,
        "transaction_id": trade.transaction_id,
        "out_trade_no": trade.fields["out_trade_no"],
        "time_end": trade.time_end,
    }


def close_order(state: State, fields: Fields) -> dict[str, Any]:
    """`pay/closeorder`."""
    trade = find_trade(state, fields)
    if trade.state in ("SUCCESS", "REFUND"):
        raise Refused("ORDERPAID", "订单已支付")
    if trade.state == "CLOSED":
        raise Refused("ORDERCLOSED", "订单已关闭")
    trade.state = "CLOSED"
    return {}


def refund(state: State, fields: Fields) -> dict[str, Any]:
    """`secapi/pay/refund`: the same number is one refund."""
    for name in ("out_refund_no", "total_fee", "refund_fee"):
        if not fields.get(name):
            raise Refused("PARAM_ERROR", f"缺少参数{name}")
    trade = find_trade(state, fields)
    amount = int(fields["refund_fee"])
    if trade.state not in ("SUCCESS", "REFUND"):
        raise Refused("ERROR", "订单未支付")
    if int(fields["total_fee"]) != trade.paid_fen:
        raise Refused("PARAM_ERROR", "订单金额不一致")
    number = fields["out_refund_no"]
    known = state.refunds.get(number)
    if known is None:
        others = [r for r in state.refunds.values() if r.out_trade_no == _number(trade)]
        if len(others) >= MAX_REFUNDS:
            raise Refused("INVALID_REQ_TOO_MUCH", "部分退款超过50次")
        if sum(r.refund_fen for r in others) + amount > trade.paid_fen:
            raise Refused("ERROR", "退款金额大于支付金额")
        known = Refund(number, _number(trade), new_number("50"), amount, state.next_refund_state)
        known.notify_url = fields.get("notify_url", "")
        state.next_refund_state = "SUCCESS"
        state.refunds[number] = known
        trade.state = "REFUND"
    elif known.refund_fen != amount:
        raise Refused("ERROR", "退款单号重复，金额不一致")
    return {
        "out_trade_no": _number(trade),
        "transaction_id": trade.transaction_id,
        "out_refund_no": number,
        "refund_id": known.refund_id,
        "refund_fee": amount,
        "total_fee": trade.paid_fen,
    }


def _number(trade: Trade) -> str:
    return trade.fields["out_trade_no"]


def refund_query(state: State, fields: Fields) -> dict[str, Any]:
    """`pay/refundquery`."""
    found = [
        r
        for r in state.refunds.values()
        if fields.get("out_refund_no") in (None, "", r.out_refund_no)
        and fields.get("out_trade_no") in (None, "", r.out_trade_no)
        and fields.get("refund_id") in (None, "", r.refund_id)
    ]
    if not found:
        raise Refused("REFUNDNOTEXIST", "退款订单查询失败")
    answer: dict[str, Any] = {
        "out_trade_no": found[0].out_trade_no,
        "total_fee": state.trades[found[0].out_trade_no].paid_fen,
        "refund_count": len(found),
    }
    for index, each in enumerate(found):
        answer[f"out_refund_no_{index}"] = each.out_refund_no
        answer[f"refund_id_{index}"] = each.refund_id
        answer[f"refund_fee_{index}"] = each.refund_fen
        answer[f"refund_status_{index}"] = each.state
    return answer


CALLS = {
    "pay/unifiedorder": unified_order,
    "pay/orderquery": order_query,
    "pay/closeorder": close_order,
    "secapi/pay/refund": refund,
    "pay/refundquery": refund_query,
}
