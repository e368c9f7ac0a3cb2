"""WeChat's login and message paths, as far as a mini-program's server needs them."""

import hashlib

from flask import Flask, Response, jsonify, request

from mocks.wechatpay.state import State


def _person(code: str) -> str:
    """Return whom a code stands for: what comes before its colon, which makes it fresh."""
    return code.partition(":")[0]


def _unknown_app(state: State) -> Response | None:
    known = {each.appid: each.app_secret for each in state.merchants.values()}
    appid = request.args.get("appid", "")
    if appid not in known:
        return jsonify(errcode=40013, errmsg="invalid appid")
    if request.args.get("secret") != known[appid]:
        return jsonify(errcode=40125, errmsg="invalid appsecret")
    return None


def _token(state: State) -> Response:
    refusal = _unknown_app(state)
    return refusal or jsonify(access_token="mock-access-token", expires_in=7200)


def _login(state: State) -> Response:
    if state.take_fault("login", "sns/jscode2session"):
        return Response("gateway time-out", 504)
    if (refusal := _unknown_app(state)) is not None:
        return refusal
    code = request.args.get("js_code", "")
    if not code or code.startswith("bad"):
        return jsonify(errcode=40029, errmsg="invalid code")
    with state.lock:
        if code in state.used_codes:
            return jsonify(errcode=40163, errmsg="code been used")
        state.used_codes.add(code)
    digest = hashlib.sha256(_person(code).encode()).hexdigest()
    return jsonify(openid=f"o{digest[:27]}", session_key=digest[32:56])


def _phone() -> Response:
    code = str((request.get_json(force=True, silent=True) or {}).get("code", ""))
    person = _person(code)
    if not person.startswith("phone-"):
        return jsonify(errcode=40029, errmsg="invalid code")
    number = person.removeprefix("phone-")
    info = {"phoneNumber": number, "purePhoneNumber": number, "countryCode": "86"}
    return jsonify(errcode=0, errmsg="ok", phone_info=info)


def _subscribe_message(state: State) -> Response:
    order = request.get_json(force=True, silent=True) or {}
    path = "cgi-bin/message/subscribe/send"
    state.note_received(path, "message", order)
    fault = state.take_fault("message", path)
    if fault is not None and fault.kind == "refused":
        return jsonify(errcode=43101, errmsg="user refuse to accept the msg")
    if fault is not None:
        return Response("gateway time-out", 504)
    if not str(order.get("touser", "")).startswith("o"):
        return jsonify(errcode=40003, errmsg="invalid openid")
    if not order.get("template_id") or not isinstance(order.get("data"), dict):
        return jsonify(errcode=47003, errmsg="argument invalid")
    return jsonify(errcode=0, errmsg="ok")


def install(app: Flask, state: State) -> None:
    """Register the paths of `api.weixin.qq.com`."""
    app.add_url_rule("/sns/jscode2session", "login", lambda: _login(state))
    app.add_url_rule("/cgi-bin/token", "token", lambda: _token(state))
    app.add_url_rule("/wxa/business/getuserphonenumber", "phone", _phone, methods=["POST"])
    app.add_url_rule(
        "/cgi-bin/message/subscribe/send",
        "subscribe_message",
        lambda: _subscribe_message(state),
        methods=["POST"],
    )
