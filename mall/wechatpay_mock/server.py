"""The mock's HTTP application: pay and login paths of WeChat, and the control API."""

import hashlib
import time
from typing import Any

from flask import Flask, Response, jsonify, request

from mall.wechatpay_mock import control, pay, wire
from mall.wechatpay_mock.state import State

MAX_BODY = 256 * 1024
DROP_SECONDS = 30.0


def _xml(state: State, fields: dict[str, Any]) -> Response:
    base = {
        "return_code": "SUCCESS",
        "return_msg": "OK",
        "appid": state.merchant.appid,
        "mch_id": state.merchant.mch_id,
    }
    body = wire.render(wire.signed({**base, **fields}, state.merchant.pay_key))
    return Response(body, content_type="text/xml; charset=utf-8")


def _fail(message: str) -> Response:
    body = wire.render({"return_code": "FAIL", "return_msg": message})
    return Response(body, content_type="text/xml; charset=utf-8")


def _business_error(state: State, code: str, message: str) -> Response:
    return _xml(state, {"result_code": "FAIL", "err_code": code, "err_code_des": message})


def _call(state: State, path: str) -> Response:
    if not request.data:
        return _fail("POST_DATA_EMPTY")
    try:
        fields = wire.parse(request.data)
    except wire.XmlError:
        return _fail("XML_FORMAT_ERROR")
    state.note_received(path, fields)
    if fields.get("appid") != state.merchant.appid:
        return _business_error(state, "APPID_NOT_EXIST", "appid不存在")
    if fields.get("mch_id") != state.merchant.mch_id:
        return _business_error(state, "MCHID_NOT_EXIST", "mch_id不存在")
    if not wire.is_signed(fields, state.merchant.pay_key):
        return _fail("签名错误")
    fault = state.take_fault(path)
    if fault == "system_error":
        return _business_error(state, "SYSTEMERROR", "系统异常，请重试")
    if fault == "silence":
        time.sleep(DROP_SECONDS)
    if fault is not None and fault.isupper():
        return _business_error(state, fault, "由控制接口指定的错误")
    try:
        with state.lock:
            answer = pay.CALLS[path](state, fields)
    except pay.Refused as refused:
        return _business_error(state, refused.code, refused.message)
    if fault == "drop":
        # The effect stands, the answer never arrives in time.
        time.sleep(DROP_SECONDS)
    reply = _xml(state, {"result_code": "SUCCESS", **answer})
    if fault == "tamper":
        reply.set_data(
            reply.get_data().replace(b"<return_msg><![CDATA[OK", b"<return_msg><![CDATA[ok")
        )
    return reply


def _person(code: str) -> str:
    """Return whom a code stands for: what comes before its colon, which makes it fresh."""
    return code.partition(":")[0]


def _login(state: State) -> Response:
    if state.take_fault("sns/jscode2session"):
        return Response("gateway time-out", 504)
    if request.args.get("appid") != state.merchant.appid:
        return jsonify(errcode=40013, errmsg="invalid appid")
    if request.args.get("secret") != state.merchant.app_secret:
        return jsonify(errcode=40125, errmsg="invalid appsecret")
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
    state.note_received(path, order)
    fault = state.take_fault(path)
    if fault == "refused":
        return jsonify(errcode=43101, errmsg="user refuse to accept the msg")
    if fault is not None:
        return Response("gateway time-out", 504)
    if not str(order.get("touser", "")).startswith("o"):
        return jsonify(errcode=40003, errmsg="invalid openid")
    if not order.get("template_id") or not isinstance(order.get("data"), dict):
        return jsonify(errcode=47003, errmsg="argument invalid")
    return jsonify(errcode=0, errmsg="ok")


def create_app(state: State) -> Flask:
    """Build the application around one state."""
    app = Flask("wechatpay-mock")
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    for path in pay.CALLS:
        app.add_url_rule(f"/{path}", path, (lambda path=path: _call(state, path)), methods=["POST"])
    app.add_url_rule("/sns/jscode2session", "login", lambda: _login(state))
    app.add_url_rule(
        "/cgi-bin/token",
        "token",
        lambda: jsonify(access_token="mock-access-token", expires_in=7200),
    )
    app.add_url_rule("/wxa/business/getuserphonenumber", "phone", _phone, methods=["POST"])
    app.add_url_rule(
        "/cgi-bin/message/subscribe/send",
        "subscribe_message",
        lambda: _subscribe_message(state),
        methods=["POST"],
    )
    control.install(app, state)
    return app
