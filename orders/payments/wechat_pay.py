"""The payment gateway on wechatpy's API v2, doing what the library leaves to its caller.

wechatpy signs requests but verifies no answer, knows only MD5 for notices, sets no time-out and
lets `]]>` out of its CDATA. Each is made good here (docs/adr/0007).
"""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from typing import Any
from xml.parsers.expat import ExpatError

import pybreaker
import requests
import xmltodict
from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring
from wechatpy.exceptions import WeChatPayException
from wechatpy.pay import WeChatPay
from wechatpy.pay.utils import calculate_signature, calculate_signature_hmac

from mall.kernel.clock import BEIJING
from mall.kernel.clock import now as clock_now
from mall.kernel.settings import WeChatSettings
from orders.payments.gateway import (
    CLOSED,
    UNKNOWN,
    PaidNotice,
    Prepaid,
    PrepayRequest,
    RefundNotice,
    RefundRequest,
    TradeState,
)
from orders.payments.rules import ForgedNotice, GatewayRefused, GatewayUnavailable

MAX_NOTICE_BYTES = 64 * 1024
# After so many calls without an answer nobody waits for a time-out any more, for so long.
MAX_SILENCES, REST_SECONDS = 5, 10
REFUND_STATES = {"SUCCESS", "CHANGE", "REFUNDCLOSE"}
# The contract names these as "outcome unknown": ask, then retry with the same number.
UNKNOWN_OUTCOME = {"SYSTEMERROR", "BIZERR_NEED_RETRY", "FREQUENCY_LIMITED"}


def parse_flat_xml(body: bytes) -> dict[str, str]:
    """Read a flat XML document without entities or nesting; raise ForgedNotice."""
    if len(body) > MAX_NOTICE_BYTES:
        raise ForgedNotice(reason="too large")
    try:
        root = fromstring(body.decode("utf-8"), forbid_dtd=True)
    except (DefusedXmlException, SyntaxError, ValueError) as error:
        raise ForgedNotice(reason="not XML") from error
    return {child.tag: child.text or "" for child in root}


def signature(fields: Mapping[str, Any], key: str, sign_type: str) -> str:
    """Return the signature of all non-empty fields but `sign`."""
    signed = {name: value for name, value in fields.items() if name != "sign" and value}
    calculate = calculate_signature_hmac if sign_type == "HMAC-SHA256" else calculate_signature
    return str(calculate(signed, key))


def has_good_signature(fields: Mapping[str, Any], key: str) -> bool:
    """Tell whether a message is signed with our key, by either sign type.

    The sign type is what the message says it is, or follows from the signature's length:
    answers and older notices carry no `sign_type`.
    """
    given = str(fields.get("sign") or "")
    sign_type = fields.get("sign_type") or ("HMAC-SHA256" if len(given) == 64 else "MD5")
    expected = signature(fields, key, str(sign_type))
    return hmac.compare_digest(given.encode(), expected.encode())


def decrypted(text: str, key: str) -> bytes:
    """Return what a refund notice holds; raise ForgedNotice for what our key did not encrypt.

    These notices carry no signature: that they can be decrypted is their proof.
    """
    try:
        sealed = base64.b64decode(text, validate=True)
        secret = hashlib.md5(key.encode(), usedforsecurity=False).hexdigest().encode()
        opener = Cipher(algorithms.AES(secret), modes.ECB()).decryptor()  # noqa: S305 (as WeChat has it)
        padded = opener.update(sealed) + opener.finalize()
        remover = padding.PKCS7(128).unpadder()
        return remover.update(padded) + remover.finalize()
    except ValueError as error:
        raise ForgedNotice(reason="not encrypted with our key") from error


class _Client(WeChatPay):
    """wechatpy's client that refuses answers not signed with our key."""

    def _handle_result(self, res: requests.Response) -> dict[str, Any]:
        try:
            data = xmltodict.parse(res.content.decode("utf-8"), disable_entities=True)["xml"]
        except (ExpatError, KeyError, TypeError, ValueError) as error:
            raise requests.exceptions.ContentDecodingError("the answer is not XML") from error
        if data.get("return_code") == "SUCCESS" and not has_good_signature(data, self.api_key):
            raise requests.exceptions.InvalidHeader("the answer's signature is wrong")
        answer: dict[str, Any] = super()._handle_result(res)
        return answer


class WeChatPayGateway:
    """WeChat Pay for one merchant and mini-program."""

    def __init__(self, settings: WeChatSettings) -> None:
        self._settings = settings
        # A business error is an answer; only silence counts.
        self.breaker = pybreaker.CircuitBreaker(
            fail_max=MAX_SILENCES, reset_timeout=REST_SECONDS, exclude=[WeChatPayException]
        )
        base = settings.pay_base.rstrip("/") + "/"
        client_class = type("MallWeChatPay", (_Client,), {"API_BASE_URL": base})
        self._client = client_class(
            settings.appid,
            settings.pay_key,
            settings.mch_id,
            mch_cert=settings.cert_file or None,
            mch_key=settings.key_file or None,
            timeout=settings.timeout_seconds,
        )

    def _ask(self, call: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Return an answer of ours; raise GatewayUnavailable when the outcome is unknown."""
        try:
            answer = self.breaker.call(call)
        except (requests.RequestException, pybreaker.CircuitBreakerError) as error:
            raise GatewayUnavailable() from error
        except WeChatPayException as error:
            if error.return_code is None or error.errcode in UNKNOWN_OUTCOME:
                raise GatewayUnavailable() from error
            raise
        if answer.get("appid") not in (None, self._settings.appid) or answer.get("mch_id") not in (
            None,
            self._settings.mch_id,
        ):
            raise GatewayUnavailable()
        return answer

    def prepay(self, request: PrepayRequest) -> Prepaid:
        try:
            answer = self._ask(
                lambda: self._client.order.create(
                    trade_type=request.trade_type,
                    body=request.body,
                    total_fee=request.amount_fen,
                    notify_url=self._settings.notify_url,
                    client_ip="127.0.0.1",
                    user_id=request.openid,
                    out_trade_no=request.out_trade_no,
                    product_id=request.out_trade_no if request.trade_type == "NATIVE" else None,
                    time_start=clock_now().astimezone(BEIJING),
                    time_expire=request.expires_at.astimezone(BEIJING),
                )
            )
        except WeChatPayException as error:
            raise GatewayRefused(reason=error.errcode or error.return_msg) from error
        return Prepaid(str(answer["prepay_id"]), answer.get("code_url"))

    def pay_parameters(self, prepay_id: str) -> dict[str, Any]:
        parameters: dict[str, Any] = self._client.jsapi.get_jsapi_params(prepay_id)
        return parameters

    def query(self, out_trade_no: str) -> TradeState:
        try:
            answer = self._ask(lambda: self._client.order.query(out_trade_no=out_trade_no))
        except WeChatPayException as error:
            if error.errcode == "ORDERNOTEXIST":
                return TradeState(UNKNOWN)
            raise GatewayUnavailable() from error
        state = str(answer["trade_state"])
        # A refunded trade was paid all the same: what it paid for must be found.
        if state in ("SUCCESS", "REFUND"):
            return TradeState(state, str(answer["transaction_id"]), int(answer["total_fee"]))
        return TradeState(state)

    def close(self, out_trade_no: str) -> TradeState:
        try:
            self._ask(lambda: self._client.order.close(out_trade_no))
        except WeChatPayException as error:
            if error.errcode in ("ORDERPAID", "ORDERCLOSED"):
                return self.query(out_trade_no)
            if error.errcode == "ORDERNOTEXIST":
                return TradeState(CLOSED)
            raise GatewayUnavailable() from error
        return TradeState(CLOSED)

    def refund(self, request: RefundRequest) -> str:
        try:
            answer = self._ask(
                lambda: self._client.refund.apply(
                    total_fee=request.total_fen,
                    refund_fee=request.refund_fen,
                    out_refund_no=request.out_refund_no,
                    out_trade_no=request.out_trade_no,
                    refund_desc=request.reason,
                    # The default would refuse once the day's takings are settled.
                    refund_account=None,
                    notify_url=self._settings.refund_notify_url,
                )
            )
        except WeChatPayException as error:
            raise GatewayRefused(reason=error.errcode or error.return_msg) from error
        return str(answer["refund_id"])

    def refund_state(self, out_refund_no: str) -> str:
        try:
            answer = self._ask(lambda: self._client.refund.query(out_refund_no=out_refund_no))
        except WeChatPayException as error:
            if error.errcode == "REFUNDNOTEXIST":
                return "REFUNDNOTEXIST"
            raise GatewayUnavailable() from error
        return str(answer["refund_status_0"])

    def parse_notice(self, body: bytes) -> PaidNotice:
        fields = parse_flat_xml(body)
        settings = self._settings
        if not has_good_signature(fields, settings.pay_key):
            raise ForgedNotice(reason="signature")
        if fields.get("return_code") != "SUCCESS" or fields.get("result_code") != "SUCCESS":
            raise ForgedNotice(reason="not a success")
        if fields.get("appid") != settings.appid or fields.get("mch_id") != settings.mch_id:
            raise ForgedNotice(reason="another merchant or app")
        if fields.get("fee_type", "CNY") != "CNY" or not fields.get("total_fee", "").isdigit():
            raise ForgedNotice(reason="amount")
        if not fields.get("transaction_id") or not fields.get("out_trade_no"):
            raise ForgedNotice(reason="numbers")
        return PaidNotice(
            fields["out_trade_no"], fields["transaction_id"], int(fields["total_fee"])
        )

    def parse_refund_notice(self, body: bytes) -> RefundNotice:
        outer = parse_flat_xml(body)
        settings = self._settings
        if outer.get("return_code") != "SUCCESS":
            raise ForgedNotice(reason="not a success")
        if outer.get("appid") != settings.appid or outer.get("mch_id") != settings.mch_id:
            raise ForgedNotice(reason="another merchant or app")
        fields = parse_flat_xml(decrypted(outer.get("req_info", ""), settings.pay_key))
        numbers = fields.get("out_refund_no"), fields.get("refund_id")
        if not all(numbers) or fields.get("refund_status") not in REFUND_STATES:
            raise ForgedNotice(reason="numbers or state")
        if not fields.get("refund_fee", "").isdigit():
            raise ForgedNotice(reason="amount")
        return RefundNotice(
            fields["out_refund_no"],
            fields["refund_id"],
            int(fields["refund_fee"]),
            fields["refund_status"],
        )
