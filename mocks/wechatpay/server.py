"""The mock's HTTP application: both versions of the pay API, login, and the control API."""

import gzip
import json
import time
from collections.abc import Callable
from typing import Any

from flask import Flask, Response, request

from mocks.wechatpay import bills, control, login, trading, v2, v2_wire, v3, v3_wire
from mocks.wechatpay.fixture_files import Merchant
from mocks.wechatpay.state import Fault, State
from mocks.wechatpay.trading import Refused

MAX_BODY = 256 * 1024
DROP_SECONDS = 30.0
_V2, _V3 = "text/xml; charset=utf-8", "application/json; charset=utf-8"


def _v2_answer(
    state: State, merchant: Merchant, fields: dict[str, Any], fault: Fault | None
) -> Response:
    base = {
        "return_code": "SUCCESS",
        "return_msg": "OK",
        "appid": merchant.appid,
        "mch_id": merchant.mch_id,
    }
    changed = fault.fields if fault and fault.kind == "change" else {}
    key = "0" * 32 if fault and fault.kind == "other_key" else merchant.pay_key
    full = v2_wire.signed(state, {**base, **fields, **changed}, key)
    if fault and fault.kind == "unsigned":
        del full["sign"]
    body = v2_wire.render(full)
    if fault and fault.kind == "tamper":
        body = body.replace(b"<return_msg><![CDATA[OK", b"<return_msg><![CDATA[ok")
    return Response(body, content_type=_V2)


def _v2_fail(message: str) -> Response:
    body = v2_wire.render({"return_code": "FAIL", "return_msg": message})
    return Response(body, content_type=_V2)


def _v2_error(state: State, merchant: Merchant, code: str, message: str) -> Response:
    fields = {"result_code": "FAIL", "err_code": code, "err_code_des": message}
    return _v2_answer(state, merchant, fields, None)


def _v2_request(state: State, path: str, operation: str) -> Response | tuple[Merchant, Any]:
    """Return whose request it is and what it says, or the answer to one that is not in order."""
    if not request.data:
        return _v2_fail("POST_DATA_EMPTY")
    try:
        fields = v2_wire.parse(request.data)
    except v2_wire.XmlError:
        return _v2_fail("XML_FORMAT_ERROR")
    state.note_received(path, operation, fields)
    merchant = state.merchants.get(fields.get("mch_id", ""))
    if merchant is None:
        first = next(iter(state.merchants.values()))
        return _v2_error(state, first, "MCHID_NOT_EXIST", "mch_id不存在")
    if not v2_wire.is_signed(fields, merchant.pay_key):
        return _v2_fail("签名错误")
    if fields.get("appid") != merchant.appid:
        return _v2_error(state, merchant, "APPID_NOT_EXIST", "appid不存在")
    return merchant, fields


def _call_v2(state: State, path: str, operation: str) -> Response:
    found = _v2_request(state, path, operation)
    if isinstance(found, Response):
        return found
    merchant, fields = found
    fault = state.take_fault(operation, path)
    if fault and fault.kind == "system_error":
        return _v2_error(state, merchant, "SYSTEMERROR", "系统异常，请重试")
    if fault and fault.kind == "silence":
        time.sleep(DROP_SECONDS)
    if fault and fault.kind.isupper():
        return _v2_error(state, merchant, fault.kind, "由控制接口指定的错误")
    try:
        with state.lock:
            answer = v2.CALLS[path][1](state, merchant, fields)
    except Refused as refused:
        return _v2_error(state, merchant, v2.CODES[refused.reason], refused.message)
    if fault and fault.kind == "drop":
        # The effect stands, the answer never arrives in time.
        time.sleep(DROP_SECONDS)
    return _v2_answer(state, merchant, {"result_code": "SUCCESS", **answer}, fault)


def _bill_v2(state: State) -> Response:
    found = _v2_request(state, v2.BILL_PATH, "bill")
    if isinstance(found, Response):
        return found
    merchant, fields = found
    fault = state.take_fault("bill", v2.BILL_PATH)
    if fault and fault.kind == "silence":
        time.sleep(DROP_SECONDS)
    try:
        if fault and fault.kind == "system_error":
            raise Refused("system", "SYSTEMERROR")
        with state.lock:
            text = v2.bill(state, merchant, fields)
    except Refused as refused:
        code = {"no_bill": "20002", "system": "20001"}.get(refused.reason, "20003")
        said = {"return_code": "FAIL", "return_msg": refused.message, "error_code": code}
        return Response(v2_wire.render(said), content_type=_V2)
    return Response(text, content_type="text/plain; charset=utf-8")


_TAMPERED: dict[str, dict[str, Any]] = {
    "unsigned": {"drop_signature": True},
    "other_key": {"key": "other"},
    "stale": {"age_seconds": 3600},
}


def _v3_answer(
    state: State, status: int, payload: dict[str, Any] | None, fault: Fault | None = None
) -> Response:
    if fault and fault.kind == "change" and payload is not None:
        payload = _merged(payload, fault.fields)
    text = json.dumps(payload, ensure_ascii=False) if payload is not None else ""
    how = _TAMPERED.get(fault.kind, {}) if fault else {}
    signed = v3_wire.headers(state, text, how)
    if fault and fault.kind == "tamper":
        # An answer without a body has only its headers to be tampered with.
        text, signed["Wechatpay-Nonce"] = (f"{text} " if text else ""), "0" * 32
    return Response(text, status, {"Content-Type": _V3, **signed})


def _merged(payload: dict[str, Any], changed: dict[str, Any]) -> dict[str, Any]:
    merged = dict(payload)
    for name, value in changed.items():
        inner = merged.get(name)
        both = isinstance(value, dict) and isinstance(inner, dict)
        merged[name] = _merged(inner, value) if both and inner else value
    return merged


Work = Callable[[Merchant, Any], tuple[int, dict[str, Any] | None]]


def _signer(state: State, body: str) -> Merchant | str:
    """Return the merchant that signed a request, or what is wrong with the signature."""
    # As it was sent: what is signed is the path before anybody decoded it.
    path = str(request.environ.get("RAW_URI") or request.full_path)
    header = request.headers.get("Authorization", "")
    return v3_wire.authorization_error(state, header, request.method, path, body)


def _call_v3(state: State, operation: str, work: Work) -> Response:
    body = request.get_data(as_text=True)
    found = _signer(state, body)
    said = request.get_json(force=True, silent=True) if body else {}
    state.note_received(request.path.lstrip("/"), operation, said if isinstance(said, dict) else {})
    if isinstance(found, str):
        return _v3_answer(state, 401, {"code": "SIGN_ERROR", "message": found})
    fault = state.take_fault(operation, request.path.lstrip("/"))
    kind = "SYSTEM_ERROR" if fault and fault.kind == "system_error" else fault and fault.kind
    if kind == "silence":
        time.sleep(DROP_SECONDS)
    if kind and kind.isupper():
        payload = {"code": kind, "message": "由控制接口指定的错误"}
        return _v3_answer(state, v3.STATUSES.get(kind, 400), payload)
    try:
        if said is None:
            raise Refused("parameter", "请求体不是JSON")
        with state.lock:
            status, answer = work(found, said)
    except Refused as refused:
        status, code = v3.CODES[refused.reason]
        return _v3_answer(state, status, {"code": code, "message": refused.message})
    if kind == "drop":
        time.sleep(DROP_SECONDS)
    return _v3_answer(state, status, answer, fault)


def _install_v3_orders(app: Flask, state: State) -> None:
    base = "/v3/pay/transactions"

    @app.post(f"{base}/<any(jsapi, native, h5, app):kind>")
    def v3_prepay(kind: str) -> Response:
        return _call_v3(state, "order", lambda m, body: (200, v3.prepay(state, m, kind, body)))

    def query(out_trade_no: str, transaction_id: str) -> Response:
        def work(merchant: Merchant, _: Any) -> tuple[int, dict[str, Any]]:
            if request.args.get("mchid") != merchant.mch_id:
                raise Refused("parameter", "mchid与签名的商户不一致")
            trade = trading.find(state, merchant, out_trade_no, transaction_id)
            return 200, v3.trade_view(trade)

        return _call_v3(state, "query", work)

    @app.get(f"{base}/out-trade-no/<number>")
    def v3_query(number: str) -> Response:
        return query(number, "")

    @app.get(f"{base}/id/<number>")
    def v3_query_by_id(number: str) -> Response:
        return query("", number)

    @app.post(f"{base}/out-trade-no/<number>/close")
    def v3_close(number: str) -> Response:
        def work(merchant: Merchant, _: Any) -> tuple[int, None]:
            trading.close(state, merchant, number)
            return 204, None

        return _call_v3(state, "close", work)


def _install_v3_money_back(app: Flask, state: State) -> None:
    @app.post("/v3/refund/domestic/refunds")
    def v3_refund() -> Response:
        return _call_v3(state, "refund", lambda m, body: (200, v3.refund(state, m, body)))

    @app.get("/v3/refund/domestic/refunds/<number>")
    def v3_refund_query(number: str) -> Response:
        def work(merchant: Merchant, _: Any) -> tuple[int, dict[str, Any]]:
            trade, [made] = trading.find_refunds(state, merchant, number)
            return 200, v3.refund_view(trade, made)

        return _call_v3(state, "refund_query", work)

    @app.get("/v3/certificates")
    def v3_certificates() -> Response:
        return _call_v3(state, "certificates", lambda m, _: (200, v3.certificates(state, m)))


def _install_v3_bill(app: Flask, state: State) -> None:
    @app.get("/v3/bill/tradebill")
    def v3_bill() -> Response:
        def work(merchant: Merchant, _: Any) -> tuple[int, dict[str, Any]]:
            return 200, dict(
                v3.trade_bill(state, merchant, request.args, request.host_url.rstrip("/"))
            )

        return _call_v3(state, "bill", work)

    @app.get("/v3/billdownload/file")
    def v3_bill_file() -> Response:
        found = _signer(state, "")
        day, _, kind = request.args.get("token", "").rpartition("-")
        if isinstance(found, str):
            return _v3_answer(state, 401, {"code": "SIGN_ERROR", "message": found})
        fault = state.take_fault("bill_file")
        try:
            text = bills.of_day(state, found, day.replace("-", ""), kind)
        except Refused as refused:
            status, code = v3.CODES[refused.reason]
            return _v3_answer(state, status, {"code": code, "message": refused.message})
        if fault and fault.kind == "tamper":
            text = text.replace(b"`CNY", b"`CNX", 1)
        if request.args.get("tar_type") == "GZIP":
            text = gzip.compress(text)
        return Response(text, content_type="application/octet-stream")


def create_app(state: State) -> Flask:
    """Build the application around one state."""
    app = Flask("wechatpay-mock")
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    for path, (operation, _) in v2.CALLS.items():

        def view(path: str = path, operation: str = operation) -> Response:
            return _call_v2(state, path, operation)

        app.add_url_rule(f"/{path}", path, view, methods=["POST"])
    app.add_url_rule(f"/{v2.BILL_PATH}", v2.BILL_PATH, lambda: _bill_v2(state), methods=["POST"])
    _install_v3_orders(app, state)
    _install_v3_money_back(app, state)
    _install_v3_bill(app, state)
    login.install(app, state)
    control.install(app, state)
    return app
