"""What happens at WeChat, whatever version of the API asks: order, query, close, refund."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from mocks.wechatpay.fixture_files import Merchant
from mocks.wechatpay.state import HEX, Refund, State, Trade

_NUMBER = re.compile(r"[0-9A-Za-z_\-|*@]+")
MAX_TRADE_NO, MAX_REFUND_NO, MAX_DESCRIPTION = 32, 64, 127
MAX_REFUNDS = 50
REFUND_WITHIN = timedelta(days=365)
REFUND_STATES = ("SUCCESS", "PROCESSING", "ABNORMAL", "CLOSED")


class Refused(Exception):
    """A business error; each version of the API has its own code for the reason."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.message = message


@dataclass(frozen=True)
class Asked:
    """An order as a merchant asks for it, in neither version's words."""

    appid: str
    out_trade_no: str
    description: str
    total_fen: int
    trade_type: str
    openid: str
    notify_url: str
    attach: str
    expires_at: datetime | None
    api: str


@dataclass(frozen=True)
class AskedRefund:
    """A refund as a merchant asks for it; without a total what was paid is taken."""

    out_trade_no: str
    transaction_id: str
    out_refund_no: str
    total_fen: int
    refund_fen: int
    notify_url: str
    api: str


def place(state: State, merchant: Merchant, asked: Asked) -> Trade:
    """Create an order, or return the one that has the number, if it is the same."""
    if asked.appid != merchant.appid:
        raise Refused("appid_unknown", "appid不存在")
    _check(asked, state.now())
    known = state.trades.get((merchant.mch_id, asked.out_trade_no))
    if known is not None:
        return _again(known, asked)
    trade = Trade(
        mch_id=merchant.mch_id,
        prepay_id=state.number("wx", 36, HEX),
        created_at=state.now(),
        **vars(asked),
    )
    if not state.is_stateless:
        state.trades[merchant.mch_id, asked.out_trade_no] = trade
    return trade


def _check(asked: Asked, now: datetime) -> None:
    if len(asked.out_trade_no) > MAX_TRADE_NO or not _NUMBER.fullmatch(asked.out_trade_no):
        raise Refused("invalid", "out_trade_no格式错误")
    if asked.total_fen < 1:
        raise Refused("invalid", "金额须为大于0的整数")
    if len(asked.description.encode()) > MAX_DESCRIPTION:
        raise Refused("invalid", "商品描述长度超过限制")
    if "?" in asked.notify_url:
        raise Refused("invalid", "notify_url不能携带参数")
    if asked.expires_at and asked.expires_at - now < timedelta(seconds=55):
        raise Refused("invalid", "time_expire时间过短，刷新后再试")
    if asked.trade_type == "JSAPI" and not asked.openid:
        raise Refused("missing", "JSAPI支付必须传openid")


def _again(known: Trade, asked: Asked) -> Trade:
    if known.state in ("SUCCESS", "REFUND"):
        raise Refused("paid", "该订单已支付")
    if known.state == "CLOSED":
        raise Refused("closed", "该订单已关闭")
    same = ("total_fen", "trade_type", "description", "openid")
    if any(getattr(known, name) != getattr(asked, name) for name in same):
        raise Refused("number_used", "商户订单号重复")
    return known


def find(state: State, merchant: Merchant, out_trade_no: str, transaction_id: str = "") -> Trade:
    """Return the trade of either number, as it is now; a canned one in stateless mode."""
    if state.is_stateless:
        return _canned(state, merchant, out_trade_no)
    if out_trade_no:
        trade = state.trades.get((merchant.mch_id, out_trade_no))
    else:
        own = (t for t in state.trades.values() if t.mch_id == merchant.mch_id)
        trade = next(
            (t for t in own if transaction_id and t.transaction_id == transaction_id), None
        )
    if trade is None:
        raise Refused("order_unknown", "此交易订单号不存在")
    if trade.state == "NOTPAY" and trade.expires_at and trade.expires_at <= state.now():
        trade.state = "CLOSED"
    return trade


def _canned(state: State, merchant: Merchant, out_trade_no: str) -> Trade:
    values = {**state.fixtures.stateless["trade"], "mch_id": merchant.mch_id}
    values |= {"appid": merchant.appid, "notify_url": "", "attach": "", "api": "v2"}
    if out_trade_no:
        values["out_trade_no"] = out_trade_no
    trade = Trade(created_at=state.now(), expires_at=None, **values)
    if trade.state in ("SUCCESS", "REFUND"):
        trade.paid_fen, trade.paid_at = trade.total_fen, state.now()
    else:
        trade.transaction_id = None
    return trade


def pay(state: State, trade: Trade) -> None:
    """Let the payer pay: once."""
    if trade.transaction_id is None:
        trade.state = "SUCCESS"
        trade.transaction_id = state.number("42000")
        trade.paid_fen, trade.paid_at = trade.total_fen, state.now()


def close(state: State, merchant: Merchant, out_trade_no: str) -> None:
    """Close an order that was not paid."""
    trade = find(state, merchant, out_trade_no)
    if trade.state in ("SUCCESS", "REFUND"):
        raise Refused("paid", "订单已支付")
    if trade.state == "CLOSED":
        raise Refused("closed", "订单已关闭")
    trade.state = "CLOSED"


def refund(state: State, merchant: Merchant, asked: AskedRefund) -> tuple[Trade, Refund]:
    """Send money back: the same number is one refund, at most fifty of an order, for a year."""
    number = asked.out_refund_no
    if len(number) > MAX_REFUND_NO or not _NUMBER.fullmatch(number):
        raise Refused("parameter", "out_refund_no格式错误")
    if state.is_stateless:
        return _canned(state, merchant, asked.out_trade_no), _canned_refund(state, merchant, asked)
    trade = find(state, merchant, asked.out_trade_no, asked.transaction_id)
    if trade.paid_at is None:
        raise Refused("refund_invalid", "订单未支付")
    if asked.total_fen != trade.paid_fen:
        raise Refused("parameter", "订单金额不一致")
    known = state.refunds.get((merchant.mch_id, number))
    if known is not None:
        if (known.refund_fen, known.out_trade_no) != (asked.refund_fen, trade.out_trade_no):
            raise Refused("refund_invalid", "退款单号重复，参数不一致")
        return trade, known
    _check_refund(state, trade, asked.refund_fen)
    new = Refund(
        mch_id=merchant.mch_id,
        out_refund_no=number,
        out_trade_no=trade.out_trade_no,
        refund_id=state.number("50"),
        refund_fen=asked.refund_fen,
        state=state.next_refund_state,
        notify_url=asked.notify_url,
        api=asked.api,
        created_at=state.now(),
    )
    state.next_refund_state = "SUCCESS"
    state.refunds[merchant.mch_id, number] = new
    trade.state = "REFUND"
    return trade, new


def _check_refund(state: State, trade: Trade, refund_fen: int) -> None:
    if refund_fen < 1:
        raise Refused("parameter", "退款金额须为大于0的整数")
    assert trade.paid_at is not None
    if state.now() - trade.paid_at > REFUND_WITHIN:
        raise Refused("overdue", "订单已超过可退款的最大期限")
    others = refunds_of(state, trade)
    if len(others) >= MAX_REFUNDS:
        raise Refused("too_many", "部分退款超过50次")
    if sum(r.refund_fen for r in others if r.state != "CLOSED") + refund_fen > trade.paid_fen:
        raise Refused("refund_invalid", "退款金额大于支付金额")


def _canned_refund(state: State, merchant: Merchant, asked: AskedRefund) -> Refund:
    values: dict[str, Any] = {
        **state.fixtures.stateless["refund"],
        "out_trade_no": asked.out_trade_no,
    }
    if asked.out_refund_no:
        values["out_refund_no"] = asked.out_refund_no
    if asked.refund_fen:
        values["refund_fen"] = asked.refund_fen
    values |= {"mch_id": merchant.mch_id, "notify_url": asked.notify_url, "api": asked.api}
    return Refund(created_at=state.now(), **values)


def refunds_of(state: State, trade: Trade) -> list[Refund]:
    """Return the refunds of a trade, oldest first."""
    found = state.refunds.values()
    number = (trade.mch_id, trade.out_trade_no)
    return [each for each in found if (each.mch_id, each.out_trade_no) == number]


def find_refunds(
    state: State,
    merchant: Merchant,
    out_refund_no: str,
    refund_id: str = "",
    out_trade_no: str = "",
) -> tuple[Trade, list[Refund]]:
    """Return the refunds that any of these numbers names, and their trade."""
    if state.is_stateless:
        canned = _canned_refund(
            state, merchant, AskedRefund(out_trade_no, "", out_refund_no, 0, 0, "", "v2")
        )
        return _canned(state, merchant, out_trade_no), [canned]
    found = [
        each
        for each in state.refunds.values()
        if each.mch_id == merchant.mch_id
        and (out_refund_no or refund_id or out_trade_no)
        and out_refund_no in ("", each.out_refund_no)
        and refund_id in ("", each.refund_id)
        and out_trade_no in ("", each.out_trade_no)
    ]
    if not found:
        raise Refused("refund_unknown", "退款订单查询失败")
    return state.trades[merchant.mch_id, found[0].out_trade_no], found
