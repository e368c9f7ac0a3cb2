"""The control API under /_mock/: pay, fail, delay, forge; not part of WeChat's."""

import threading
import time
from datetime import timedelta
from typing import Any

import requests
from flask import Flask, Response, jsonify, request

from mall.wechatpay_mock import wire
from mall.wechatpay_mock.pay import find_trade, paid_fields
from mall.wechatpay_mock.state import BEIJING, Fault, Refund, State, Trade, new_number

RETRY_SECONDS = (
    *(15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600),
    *(10800, 10800, 10800, 21600, 21600),
)
NOTICE_TIMEOUT = 5


def post_notice(state: State, url: str, body: bytes) -> bytes:
    """Deliver a notice once and return what the merchant answered; empty when it did not."""
    try:
        answer = requests.post(
            url, data=body, headers={"Content-Type": "text/xml"}, timeout=NOTICE_TIMEOUT
        ).content
    except requests.RequestException:
        answer = b""
    with state.lock:
        state.notices.append({"url": url, "answer": answer.decode(errors="replace")})
    return answer


def _deliver(state: State, url: str, body: bytes) -> None:
    for wait in RETRY_SECONDS:
        if b"SUCCESS" in post_notice(state, url, body):
            return
        time.sleep(wait)


def notice(state: State, trade: Trade, order: dict[str, Any]) -> bytes:
    """Return a notice of a trade, tampered with as the order says."""
    merchant = state.merchant
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
    sign_type = str(order.get("sign_type", "MD5"))
    if sign_type != "MD5":
        fields["sign_type"] = sign_type
    full = wire.signed(fields, str(order.get("key", merchant.pay_key)), sign_type)
    if order.get("drop_signature"):
        del full["sign"]
    return wire.render(full)


def refund_notice(state: State, refund: Refund, order: dict[str, Any]) -> bytes:
    """Return a notice of a refund, encrypted, tampered with as the order says."""
    merchant = state.merchant
    trade = state.trades[refund.out_trade_no]
    inner = {
        "transaction_id": trade.transaction_id,
        "out_trade_no": refund.out_trade_no,
        "refund_id": refund.refund_id,
        "out_refund_no": refund.out_refund_no,
        "total_fee": trade.paid_fen,
        "refund_fee": order.get("refund_fee", refund.refund_fen),
        "settlement_refund_fee": refund.refund_fen,
        "refund_status": refund.state,
        "success_time": state.now().astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S"),
    }
    outer = {
        "return_code": "SUCCESS",
        "appid": merchant.appid,
        "mch_id": order.get("mch_id", merchant.mch_id),
        "nonce_str": new_number("9"),
        "req_info": wire.sealed(inner, str(order.get("key", merchant.pay_key))),
    }
    return wire.render(outer)


def _pay(state: State, order: dict[str, Any]) -> Response:
    """Let the payer pay, and tell the merchant as often as asked."""
    with state.lock:
        trade = find_trade(state, {"out_trade_no": str(order["out_trade_no"])})
        if trade.state == "CLOSED" and not order.get("force"):
            return Response("the trade is closed", 409)
        if trade.transaction_id is None:
            trade.state = "SUCCESS"
            trade.transaction_id = new_number("42000")
            trade.paid_fen = int(trade.fields["total_fee"])
            trade.openid = trade.fields.get("openid", "")
            trade.time_end = state.now().astimezone(BEIJING).strftime("%Y%m%d%H%M%S")
        body = notice(state, trade, order)
        url = trade.fields["notify_url"]
    answers = []
    if order.get("notify", True):
        if order.get("wait", True):
            for _ in range(int(order.get("times", 1))):
                answers.append(post_notice(state, url, body).decode(errors="replace"))
        else:
            args = (state, url, body)
            threading.Thread(target=_deliver, args=args, daemon=True).start()
    return jsonify(trade=trade.view(), answers=answers)


def install(app: Flask, state: State) -> None:
    """Register the control API."""
    _install_acts(app, state)
    _install_faults(app, state)
    _install_lists(app, state)


def _install_acts(app: Flask, state: State) -> None:
    @app.post("/_mock/pay")
    def pay_trade() -> Response:
        return _pay(state, request.get_json())

    @app.post("/_mock/notice")
    def make_notice() -> Response:
        """Return a notice instead of sending it; an unpaid trade is paid first, unless `made_up`."""
        order = request.get_json()
        if not order.get("made_up"):
            _pay(state, {**order, "notify": False})
        with state.lock:
            trade = find_trade(state, {"out_trade_no": str(order["out_trade_no"])})
            return jsonify(body=notice(state, trade, order).decode())


def _install_faults(app: Flask, state: State) -> None:
    @app.post("/_mock/faults")
    def add_fault() -> Response:
        order = request.get_json()
        fault = Fault(str(order["path"]), str(order["kind"]), int(order.get("times", 1)))
        with state.lock:
            state.faults.append(fault)
        return jsonify(fault.__dict__)

    @app.post("/_mock/refunds/next")
    def next_refund() -> Response:
        """Say what becomes of the next refund: SUCCESS, PROCESSING, CHANGE or REFUNDCLOSE."""
        state.next_refund_state = str(request.get_json()["state"])
        return jsonify(ok=True)

    @app.post("/_mock/refunds/set")
    def set_refund() -> Response:
        """Say what has become of a refund; with `notify` the merchant is told, so many `times`."""
        order = request.get_json()
        with state.lock:
            refund = state.refunds[str(order["out_refund_no"])]
            refund.state = str(order["state"])
            body = refund_notice(state, refund, order)
        answers = []
        if order.get("notify") and refund.notify_url:
            for _ in range(int(order.get("times", 1))):
                answers.append(post_notice(state, refund.notify_url, body).decode(errors="replace"))
        return jsonify(ok=True, body=body.decode(), answers=answers)

    @app.post("/_mock/clock")
    def move_clock() -> Response:
        state.clock_offset = timedelta(seconds=float(request.get_json()["offset_seconds"]))
        return jsonify(now=state.now().isoformat())


def _install_lists(app: Flask, state: State) -> None:
    @app.post("/_mock/reset")
    def reset() -> Response:
        with state.lock:
            for kept in (state.trades, state.refunds, state.used_codes):
                kept.clear()
            state.next_refund_state = "SUCCESS"
            state.clock_offset = timedelta(0)
            for listed in (state.faults, state.received, state.notices):
                listed.clear()
        return jsonify(ok=True)

    @app.get("/_mock/trades")
    def list_trades() -> Response:
        with state.lock:
            trades = [trade.view() for trade in state.trades.values()]
            refunds = [dict(each.__dict__) for each in state.refunds.values()]
        return jsonify(trades=trades, refunds=refunds)

    @app.get("/_mock/received")
    def list_received() -> Response:
        with state.lock:
            return jsonify(received=list(state.received), notices=list(state.notices))
