"""A stand-in of kuaidi100: subscribe, push, ask; and a control API under /_mock/ to play it.

It speaks the published wire format: forms with a JSON `param`, MD5 signatures in capitals.
"""

import hashlib
import json
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import requests
from flask import Flask, Response, jsonify, request

BEIJING = timezone(timedelta(hours=8))
KEY, CUSTOMER = "demo-kuaidi100-key", "demo-kuaidi100-customer"
COMPANIES = (
    *("shunfeng", "ems", "yuantong", "zhongtong", "shentong", "yunda", "jtexpress", "jd"),
    "debangkuaidi",
)
PUSH_TIMEOUT = 5
MAX_BODY = 256 * 1024


@dataclass
class State:
    """Subscriptions and events by company and number, behind one lock."""

    subscriptions: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
    events: dict[tuple[str, str], list[dict[str, str]]] = field(default_factory=dict)
    received: list[dict[str, Any]] = field(default_factory=list)
    # What goes wrong with the next calls, by path: a code to answer, or `silence`.
    faults: list[dict[str, Any]] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def take_fault(self, path: str) -> dict[str, Any] | None:
        """Return what goes wrong with a call, if anything, and count it."""
        with self.lock:
            for fault in self.faults:
                if fault["path"] == path and fault["times"] > 0:
                    fault["times"] -= 1
                    return fault
        return None

    def reset(self) -> None:
        """Forget everything."""
        for kept in (self.subscriptions, self.events):
            kept.clear()
        for listed in (self.received, self.faults):
            listed.clear()


def md5(text: str) -> str:
    """Return the MD5 of a text in capitals, as kuaidi100 signs."""
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest().upper()


def _answer(result: bool, code: str, message: str) -> Response:
    return jsonify(result=result, returnCode=code, message=message)


def _subscribe(state: State) -> Response:
    try:
        param = json.loads(request.form["param"])
        company, number = str(param["company"]), str(param["number"])
        parameters = param["parameters"]
        wanted = {"url": str(parameters["callbackurl"]), "salt": str(parameters.get("salt", ""))}
    except (KeyError, ValueError, TypeError):
        return _answer(False, "701", "订阅方的订阅数据存在错误")
    with state.lock:
        state.received.append({"path": "/poll", "param": param})
    fault = state.take_fault("/poll")
    if fault is not None:
        return _answer(False, str(fault["code"]), str(fault.get("message", "服务器错误")))
    if param.get("key") != KEY:
        return _answer(False, "600", "您不是合法的订阅者（即授权Key出错）")
    if company not in COMPANIES:
        return _answer(False, "700", f"POLL:不支持的快递公司：{company}")
    with state.lock:
        if (company, number) in state.subscriptions:
            # A new address replaces the old one all the same.
            state.subscriptions[company, number] = wanted
            return _answer(False, "501", "POLL:重复订阅")
        state.subscriptions[company, number] = wanted
    return _answer(True, "200", "提交成功")


def _ask(state: State) -> Response:
    param = request.form.get("param", "")
    fault = state.take_fault("/poll/query.do")
    if fault is not None:
        return _answer(False, str(fault["code"]), "服务器错误")
    if request.form.get("customer") != CUSTOMER or request.form.get("sign") != md5(
        param + KEY + CUSTOMER
    ):
        return _answer(False, "503", "验证签名失败")
    try:
        asked = json.loads(param)
        at = (str(asked["com"]), str(asked["num"]))
    except (KeyError, ValueError, TypeError):
        return _answer(False, "400", "提交的数据不完整，或者贵公司没授权")
    with state.lock:
        state.received.append({"path": "/poll/query.do", "param": asked})
        found = list(state.events.get(at, []))
    if not found:
        return _answer(False, "500", "查询无结果，请隔段时间再查")
    return jsonify(_result(at, found))


def _result(at: tuple[str, str], events: list[dict[str, str]]) -> dict[str, Any]:
    newest = sorted(events, key=lambda each: each["ftime"], reverse=True)
    last = newest[0].get("statusCode", "0") if newest else "0"
    return {
        "message": "ok",
        "nu": at[1],
        "ischeck": "1" if last.startswith("3") else "0",
        "com": at[0],
        "status": "200",
        "state": last[:1],
        "data": newest,
    }


def _event(order: dict[str, Any]) -> dict[str, str]:
    at = str(order.get("time") or datetime.now(UTC).astimezone(BEIJING).strftime("%F %T"))
    return {
        "time": at,
        "ftime": at,
        "context": str(order.get("context", "快件运输中")),
        "statusCode": str(order.get("statusCode", "0")),
        "areaName": str(order.get("areaName", "广东,湛江市")),
    }


def _push(state: State, order: dict[str, Any]) -> Response:
    """Push what is known of a parcel, or the events given, so many `times`; wrongly if so told."""
    at = (str(order["com"]), str(order["nu"]))
    with state.lock:
        known = list(state.events.get(at, []))
        wanted = state.subscriptions.get(at)
    if wanted is None:
        return Response("not subscribed", 404)
    events = [_event(each) for each in order["events"]] if "events" in order else known
    status = str(order.get("status", "polling"))
    told = {"status": status, "billstatus": "", "message": "", "lastResult": _result(at, events)}
    param = json.dumps(told, ensure_ascii=False)
    sign = md5(param + ("" if order.get("forged") else wanted["salt"]))
    answers = []
    for _ in range(int(order.get("times", 1))):
        try:
            reply = requests.post(
                str(order.get("url") or wanted["url"]),
                data={"param": param, "sign": sign},
                timeout=PUSH_TIMEOUT,
            )
            answers.append({"status": reply.status_code, "body": reply.text})
        except requests.RequestException as error:
            answers.append({"status": 0, "body": type(error).__name__})
    return jsonify(answers=answers, param=param, sign=sign)


def create_app(state: State) -> Flask:
    """Return the stand-in as an application."""
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    app.add_url_rule("/poll", "subscribe", lambda: _subscribe(state), methods=["POST"])
    app.add_url_rule("/poll/query.do", "ask", lambda: _ask(state), methods=["POST"])

    @app.post("/_mock/events")
    def add_event() -> Response:
        """Let something happen to the parcel `nu` of `com`; with `push` its subscriber is told."""
        order = request.get_json()
        with state.lock:
            happened = state.events.setdefault((str(order["com"]), str(order["nu"])), [])
            happened.append(_event(order))
        if not order.get("push"):
            return jsonify(events=happened)
        return _push(state, {"com": order["com"], "nu": order["nu"]})

    @app.post("/_mock/push")
    def push() -> Response:
        return _push(state, request.get_json())

    @app.post("/_mock/faults")
    def add_fault() -> Response:
        """Let the next `times` calls of a `path` be answered with a `code`."""
        order = request.get_json()
        with state.lock:
            state.faults.append({"times": 1, **order})
        return jsonify(ok=True)

    @app.post("/_mock/reset")
    def reset() -> Response:
        with state.lock:
            state.reset()
        return jsonify(ok=True)

    @app.get("/_mock/received")
    def list_received() -> Response:
        with state.lock:
            shown = [{"com": com, "nu": nu} for com, nu in state.subscriptions]
            return jsonify(received=list(state.received), subscriptions=shown)

    return app
