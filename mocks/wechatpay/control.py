"""The control API under /_mock/: pay, fail, expire, delay, hold, forge; not part of WeChat's."""

import random
import threading
import time
from datetime import timedelta
from typing import Any

import requests
from flask import Flask, Response, jsonify, request

from mocks.wechatpay import trading, v2, v3
from mocks.wechatpay.fixture_files import Merchant
from mocks.wechatpay.state import Fault, Held, Refund, State, Trade
from mocks.wechatpay.trading import REFUND_STATES, Refused

RETRY_SECONDS = (
    *(15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600),
    *(10800, 10800, 10800, 21600, 21600),
)
NOTICE_TIMEOUT = 5
MAX_DELAY_SECONDS = 60.0
NEUTRAL = {"CHANGE": "ABNORMAL", "REFUNDCLOSE": "CLOSED"}


def post_notice(state: State, held: Held) -> str:
    """Deliver a notice once and return what the merchant answered; empty when it did not."""
    try:
        reply = requests.post(
            held.url, data=held.body, headers=held.headers, timeout=NOTICE_TIMEOUT
        )
        # API v3 needs no body: the status says it.
        answer = reply.text or ("SUCCESS" if reply.ok else f"HTTP {reply.status_code}")
    except requests.RequestException:
        answer = ""
    with state.lock:
        state.notices.append({"url": held.url, "answer": answer})
    return answer


def _deliver(state: State, held: Held, delay: float) -> None:
    time.sleep(delay)
    for wait in RETRY_SECONDS:
        if "SUCCESS" in post_notice(state, held):
            return
        time.sleep(wait)


def _find(state: State, order: dict[str, Any]) -> tuple[Merchant, Trade]:
    """Return the trade of a number, whichever merchant's it is unless one is named."""
    wanted = order.get("mch_id_of") or None
    for merchant in state.merchants.values():
        if wanted in (None, merchant.mch_id):
            try:
                return merchant, trading.find(state, merchant, str(order["out_trade_no"]))
            except Refused:
                continue
    raise Refused("order_unknown", "no such trade")


def _notice(state: State, order: dict[str, Any]) -> Held:
    merchant, trade = _find(state, order)
    api = str(order.get("api", trade.api))
    if api == "v2":
        body = v2.notice(state, merchant, trade, order)
        return Held(trade.notify_url, body, {"Content-Type": "text/xml"})
    return Held(trade.notify_url, *v3.notice(state, merchant, trade, order))


def _refund_notice(state: State, made: Refund, order: dict[str, Any]) -> Held:
    merchant = state.merchants[made.mch_id]
    trade = state.trades[made.mch_id, made.out_trade_no]
    if str(order.get("api", made.api)) == "v2":
        body = v2.refund_notice(state, merchant, trade, made, order)
        return Held(made.notify_url, body, {"Content-Type": "text/xml"})
    return Held(made.notify_url, *v3.refund_notice(state, merchant, trade, made, order))


def _send(state: State, held: Held, order: dict[str, Any]) -> list[str]:
    """Send a notice as the order says: now or later, so many times, or hold it back."""
    if not order.get("notify", True):
        return []
    if order.get("hold"):
        with state.lock:
            state.held += [held] * int(order.get("times", 1))
        return []
    if order.get("wait", True):
        return [post_notice(state, held) for _ in range(int(order.get("times", 1)))]
    delay = min(float(order.get("delay_seconds", 0)), MAX_DELAY_SECONDS)
    for _ in range(int(order.get("times", 1))):
        threading.Thread(target=_deliver, args=(state, held, delay), daemon=True).start()
    return []


def _pay(state: State, order: dict[str, Any]) -> Response:
    """Let the payer pay, and tell the merchant as often as asked."""
    with state.lock:
        _, trade = _find(state, order)
        if trade.state == "CLOSED" and not order.get("force"):
            return Response("the trade is closed", 409)
        trading.pay(state, trade)
        held = _notice(state, order)
    return jsonify(trade=trade.view(), answers=_send(state, held, order))


def _shown(held: Held, **more: Any) -> Response:
    return jsonify(url=held.url, body=held.body.decode(), headers=held.headers, **more)


def install(app: Flask, state: State) -> None:
    """Register the control API."""

    @app.errorhandler(Refused)
    def refused(error: Refused) -> tuple[Response, int]:
        return jsonify(error=error.reason, message=error.message), 404

    _install_payers(app, state)
    _install_notices(app, state)
    _install_refunds(app, state)
    _install_surroundings(app, state)
    _install_lists(app, state)


def _install_payers(app: Flask, state: State) -> None:
    @app.post("/_mock/pay")
    def pay_trade() -> Response:
        """Let the payer of `out_trade_no` pay; see README for how the notice goes out."""
        return _pay(state, request.get_json())

    @app.post("/_mock/fail")
    def fail_trade() -> Response:
        """Let the payer's payment fail."""
        with state.lock:
            _, trade = _find(state, request.get_json())
            if trade.paid_at is None:
                trade.state = "PAYERROR"
            return jsonify(trade=trade.view())

    @app.post("/_mock/expire")
    def expire_trade() -> Response:
        """Let the time to pay be over."""
        with state.lock:
            _, trade = _find(state, request.get_json())
            trade.expires_at = state.now()
            return jsonify(trade=_find(state, request.get_json())[1].view())


def _install_notices(app: Flask, state: State) -> None:
    @app.post("/_mock/notice")
    def make_notice() -> Response:
        """Return a notice instead of sending it; an unpaid trade is paid first, unless `made_up`."""
        order = request.get_json()
        with state.lock:
            _, trade = _find(state, order)
            unpaid = trade.paid_at is None
            kept = (trade.state, trade.transaction_id, trade.paid_fen, trade.paid_at)
            trading.pay(state, trade)
            held = _notice(state, order)
            if unpaid and order.get("made_up"):
                trade.state, trade.transaction_id, trade.paid_fen, trade.paid_at = kept
        return _shown(held)

    @app.post("/_mock/notices/release")
    def release() -> Response:
        """Send what was held back: as it came, in `reverse`, or in an order of chance (`shuffle`)."""
        order = request.get_json()
        with state.lock:
            held, state.held = list(state.held), []
        if order.get("order") == "reverse":
            held.reverse()
        if order.get("order") == "shuffle":
            random.Random(state.seed).shuffle(held)
        return jsonify(answers=[post_notice(state, each) for each in held])


def _install_refunds(app: Flask, state: State) -> None:
    def neutral(text: Any) -> str:
        name = NEUTRAL.get(str(text), str(text))
        if name not in REFUND_STATES:
            raise Refused("parameter", f"state is one of {', '.join(REFUND_STATES)}")
        return name

    @app.post("/_mock/refunds/next")
    def next_refund() -> Response:
        """Say what becomes of the next refund: SUCCESS, PROCESSING, ABNORMAL or CLOSED."""
        state.next_refund_state = neutral(request.get_json()["state"])
        return jsonify(ok=True)

    @app.post("/_mock/refunds/set")
    def set_refund() -> Response:
        """Say what has become of a refund; with `notify` the merchant is told, so many `times`."""
        order = request.get_json()
        number = str(order["out_refund_no"])
        with state.lock:
            made = next((r for r in state.refunds.values() if r.out_refund_no == number), None)
            if made is None:
                raise Refused("refund_unknown", "no such refund")
            made.state = neutral(order["state"])
            held = _refund_notice(state, made, order)
        is_told = order.get("notify", False) and made.notify_url
        return _shown(held, answers=_send(state, held, order) if is_told else [])


def _install_surroundings(app: Flask, state: State) -> None:
    @app.post("/_mock/faults")
    def add_fault() -> Response:
        """Let the next calls of an operation, or of a path, go wrong."""
        order = request.get_json()
        fault = Fault(
            str(order.get("operation") or order["path"]),
            str(order["kind"]),
            int(order.get("times", 1)),
            dict(order.get("fields", {})),
        )
        with state.lock:
            state.faults.append(fault)
        return jsonify(fault.__dict__)

    @app.post("/_mock/faults/clear")
    def clear_faults() -> Response:
        """Let nothing go wrong any more."""
        with state.lock:
            state.faults.clear()
        return jsonify(ok=True)

    @app.post("/_mock/clock")
    def move_clock() -> Response:
        state.clock_offset = timedelta(seconds=float(request.get_json()["offset_seconds"]))
        return jsonify(now=state.now().isoformat())

    @app.post("/_mock/keys")
    def rotate() -> Response:
        """Change keys as a merchant or WeChat would: `mch_id` with `pay_key` or `apiv3_key`;
        `platform_key_id` for the key that signs."""
        order = dict(request.get_json())
        with state.lock:
            key_id = order.pop("platform_key_id", None)
            if key_id is not None:
                if key_id not in state.fixtures.platform_keys:
                    raise Refused("parameter", "no such platform key")
                state.platform_key_id = key_id
            if "mch_id" in order:
                known = state.merchants[order["mch_id"]]
                state.merchants[known.mch_id] = Merchant(**{**known.__dict__, **order})
        return jsonify(ok=True, platform_key_id=state.platform_key_id)


def _install_lists(app: Flask, state: State) -> None:
    @app.post("/_mock/reset")
    def reset() -> Response:
        with state.lock:
            state.reset()
        return jsonify(ok=True)

    @app.get("/_mock/trades")
    def list_trades() -> Response:
        with state.lock:
            trades = [trade.view() for trade in state.trades.values()]
            refunds = [each.view() for each in state.refunds.values()]
        return jsonify(trades=trades, refunds=refunds)

    @app.get("/_mock/received")
    def list_received() -> Response:
        with state.lock:
            return jsonify(received=list(state.received), notices=list(state.notices))
