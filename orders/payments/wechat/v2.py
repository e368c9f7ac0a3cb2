"""WeChat Pay's API v2 on wechatpy, doing what the library leaves to its caller.

wechatpy signs requests but verifies no answer, knows only MD5 for notices, sets no time-out and
lets `]]>` out of its CDATA. Each is made good here (docs/adr/0007).
"""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from datetime import date
from functools import partial
from typing import Any
from xml.parsers.expat import ExpatError

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
from mall.kernel.outgoing.session import bounded_by
from mall.kernel.settings import MerchantSettings
from orders.payments import gateway
from orders.payments.gateway import (
    IncomingNotice,
    Keep,
    PaidNotice,
    PrepayRequest,
    PrepayResult,
    RefundNotice,
    RefundRequest,
    RefundState,
    TradeState,
)
from orders.payments.rules import BillRefused, ForgedNotice, GatewayRefused, GatewayUnavailable
from orders.payments.wechat.wire import (
    BILL,
    WeChatProvider,
    fen_of_text,
    masked,
    our_number,
    wechats_number,
)

MAX_NOTICE_BYTES = 64 * 1024
# WeChat's names for what became of a refund, and ours.
REFUND_STATES = {
    "SUCCESS": gateway.SUCCESS,
    "PROCESSING": gateway.PROCESSING,
    "CHANGE": gateway.ABNORMAL,
    "REFUNDCLOSE": gateway.CLOSED,
}
# The contract names these as "outcome unknown": ask, then retry with the same number.
UNKNOWN_OUTCOME = {"SYSTEMERROR", "BIZERR_NEED_RETRY", "FREQUENCY_LIMITED"}
SIGNATURE_WRONG = "签名错误"
NO_BILL = "20002"


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


def has_good_signature(fields: Mapping[str, Any], keys: tuple[str, ...]) -> bool:
    """Tell whether a message is signed with one of our keys, by either sign type.

    The sign type is what the message says it is, or follows from the signature's length:
    answers and older notices carry no `sign_type`.
    """
    given = str(fields.get("sign") or "")
    sign_type = fields.get("sign_type") or ("HMAC-SHA256" if len(given) == 64 else "MD5")
    expected = [signature(fields, key, str(sign_type)) for key in keys]
    return any(hmac.compare_digest(given.encode(), each.encode()) for each in expected)


def decrypted(text: str, keys: tuple[str, ...]) -> bytes:
    """Return what a refund notice holds; raise ForgedNotice for what none of our keys encrypted.

    These notices carry no signature: that they can be decrypted is their proof.
    """
    for key in keys:
        try:
            sealed = base64.b64decode(text, validate=True)
            secret = hashlib.md5(key.encode(), usedforsecurity=False).hexdigest().encode()
            opener = Cipher(algorithms.AES(secret), modes.ECB()).decryptor()  # noqa: S305 (as WeChat has it)
            padded = opener.update(sealed) + opener.finalize()
            remover = padding.PKCS7(128).unpadder()
            plain = remover.update(padded) + remover.finalize()
        except ValueError:
            continue
        if plain.lstrip().startswith(b"<root>"):
            return plain
    raise ForgedNotice(reason="not encrypted with our key")


class _Client(WeChatPay):
    """wechatpy's client for one key that refuses answers not signed with a valid one."""

    valid_keys: Callable[[], tuple[str, ...]]

    def _handle_result(self, res: requests.Response) -> dict[str, Any]:
        if res.request.path_url.endswith("/pay/downloadbill") and not res.content.startswith(b"<"):
            # A bill is text without any signature; HTTPS is its only proof.
            return {"bill": res.content}
        try:
            data = xmltodict.parse(res.content.decode("utf-8"), disable_entities=True)["xml"]
        except (ExpatError, KeyError, TypeError, ValueError) as error:
            raise requests.exceptions.ContentDecodingError("the answer is not XML") from error
        if data.get("return_code") == "SUCCESS" and not has_good_signature(data, self.valid_keys()):
            raise requests.exceptions.InvalidHeader("the answer's signature is wrong")
        answer: dict[str, Any] = super()._handle_result(res)
        return answer


class WeChatPayV2(WeChatProvider):
    """WeChat Pay for one merchant and mini-program, by API v2."""

    answers = (WeChatPayException,)

    def __init__(self, merchant: MerchantSettings, keep: Keep) -> None:
        super().__init__(merchant, keep)
        base = merchant.base.rstrip("/") + "/"
        self._client_class = type("MallWeChatPay", (_Client,), {"API_BASE_URL": base})
        self._clients: dict[str, _Client] = {}
        # The key that WeChat took last: while keys change, not necessarily the first.
        self._key = ""

    def _client(self, key: str) -> _Client:
        if key not in self._clients:
            client = self._client_class(
                self.merchant.appid,
                key,
                self.merchant.mch_id,
                mch_cert=self.merchant.cert_file or None,
                mch_key=self.merchant.key_file or None,
                timeout=self.merchant.timeout_seconds,
            )
            client.valid_keys = self.merchant.api_key.values
            client._http = self.session
            self._clients[key] = client
        return self._clients[key]

    def _keys(self) -> list[str]:
        """Return the keys to sign with, the one that worked last before the others."""
        return sorted(self.merchant.api_key.values(), key=lambda key: key != self._key)

    def _ask(
        self, operation: str, number: str, ask: Callable[[_Client], dict[str, Any]]
    ) -> dict[str, Any]:
        """Return an answer of ours; raise GatewayUnavailable when the outcome is unknown.

        Where WeChat does not know the key any more, or not yet, nothing has happened: the next
        one is tried.
        """
        for key in self._keys():
            client = self._client(key)
            try:
                answer = self._call(operation, number, partial(ask, client))
            except WeChatPayException as error:
                if error.return_code == "FAIL" and SIGNATURE_WRONG in (error.return_msg or ""):
                    continue
                if error.return_code != "SUCCESS" or error.errcode in UNKNOWN_OUTCOME:
                    raise GatewayUnavailable() from error
                self._key = key
                raise
            self._key = key
            for name, expected in (
                ("appid", self.merchant.appid),
                ("mch_id", self.merchant.mch_id),
            ):
                self._must_be(operation, number, answer.get(name), expected)
            return answer
        raise self._keys_unusable(operation, number, ["WeChat knows none of our keys"])

    def _create(self, request: PrepayRequest) -> PrepayResult:
        try:
            answer = self._ask(
                "order",
                request.out_trade_no,
                lambda client: client.order.create(
                    trade_type=request.trade_type,
                    body=request.body,
                    total_fee=request.amount_fen,
                    notify_url=self.merchant.notify_url,
                    client_ip=request.client_ip,
                    user_id=request.openid,
                    out_trade_no=request.out_trade_no,
                    product_id=request.out_trade_no if request.trade_type == "NATIVE" else None,
                    time_start=clock_now().astimezone(BEIJING),
                    time_expire=request.expires_at.astimezone(BEIJING),
                ),
            )
        except WeChatPayException as error:
            raise GatewayRefused(reason=error.errcode or error.return_msg) from error
        return PrepayResult(str(answer["prepay_id"]), answer.get("code_url"))

    def pay_parameters(self, prepay_id: str) -> dict[str, Any]:
        """Return what the mini-program hands to `wx.requestPayment`."""
        client = self._client(self._keys()[0])
        parameters: dict[str, Any] = client.jsapi.get_jsapi_params(prepay_id)
        return parameters

    def query(self, out_trade_no: str) -> TradeState:
        """Ask what became of a payment."""
        try:
            answer = self._ask(
                "query", out_trade_no, lambda client: client.order.query(out_trade_no=out_trade_no)
            )
        except WeChatPayException as error:
            if error.errcode == "ORDERNOTEXIST":
                return TradeState(gateway.UNKNOWN)
            raise GatewayUnavailable() from error
        self._must_be("query", out_trade_no, answer.get("out_trade_no"), out_trade_no)
        with self._strictly("query", out_trade_no):
            state = str(answer["trade_state"])
            # A refunded trade was paid all the same: what it paid for must be found.
            if state in ("SUCCESS", "REFUND"):
                self._must_be("query", out_trade_no, answer.get("fee_type", "CNY"), "CNY")
                total_fen = fen_of_text(answer["total_fee"])
                return TradeState(state, wechats_number(answer["transaction_id"]), total_fen)
        return TradeState(state)

    def close(self, out_trade_no: str) -> TradeState:
        """Close a payment; one that was paid first wins."""
        try:
            self._ask("close", out_trade_no, lambda client: client.order.close(out_trade_no))
        except WeChatPayException as error:
            if error.errcode in ("ORDERPAID", "ORDERCLOSED"):
                return self.query(out_trade_no)
            if error.errcode == "ORDERNOTEXIST":
                return TradeState(gateway.CLOSED)
            raise GatewayUnavailable() from error
        return TradeState(gateway.CLOSED)

    def refund(self, request: RefundRequest) -> str:
        """Ask for a refund; return WeChat's number for it."""
        try:
            answer = self._ask(
                "refund",
                request.out_refund_no,
                lambda client: client.refund.apply(
                    total_fee=request.total_fen,
                    refund_fee=request.refund_fen,
                    out_refund_no=request.out_refund_no,
                    out_trade_no=request.out_trade_no,
                    refund_desc=request.reason,
                    # The default would refuse once the day's takings are settled.
                    refund_account=None,
                    notify_url=self.merchant.refund_notify_url,
                ),
            )
        except WeChatPayException as error:
            raise GatewayRefused(reason=error.errcode or error.return_msg) from error
        told = (answer.get("out_refund_no"), str(answer.get("refund_fee")))
        expected = (request.out_refund_no, str(request.refund_fen))
        self._must_be("refund", request.out_refund_no, told, expected)
        with self._strictly("refund", request.out_refund_no):
            return wechats_number(answer["refund_id"])

    def query_refund(self, out_refund_no: str) -> RefundState:
        """Ask what became of a refund."""
        try:
            answer = self._ask(
                "refund_query",
                out_refund_no,
                lambda client: client.refund.query(out_refund_no=out_refund_no),
            )
        except WeChatPayException as error:
            if error.errcode == "REFUNDNOTEXIST":
                return RefundState(gateway.UNKNOWN)
            raise GatewayUnavailable() from error
        self._must_be("refund_query", out_refund_no, answer.get("out_refund_no_0"), out_refund_no)
        with self._strictly("refund_query", out_refund_no):
            state = REFUND_STATES.get(str(answer["refund_status_0"]), gateway.PROCESSING)
            refund_fen = fen_of_text(answer["refund_fee_0"])
            return RefundState(state, wechats_number(answer["refund_id_0"]), refund_fen)

    def parse_notice(self, incoming: IncomingNotice) -> PaidNotice:
        """Return what a notice says; raise ForgedNotice unless all of it is right."""
        fields = parse_flat_xml(incoming.body)
        merchant = self.merchant
        if not has_good_signature(fields, merchant.api_key.values()):
            raise ForgedNotice(reason="signature")
        if fields.get("return_code") != "SUCCESS" or fields.get("result_code") != "SUCCESS":
            raise ForgedNotice(reason="not a success")
        if fields.get("appid") != merchant.appid or fields.get("mch_id") != merchant.mch_id:
            raise ForgedNotice(reason="another merchant or app")
        if fields.get("fee_type", "CNY") != "CNY":
            raise ForgedNotice(reason="another currency")
        try:
            return PaidNotice(
                our_number(fields.get("out_trade_no")),
                wechats_number(fields.get("transaction_id")),
                fen_of_text(fields.get("total_fee")),
                masked(incoming.body.decode()),
            )
        except ValueError as error:
            raise ForgedNotice(reason="numbers or amount") from error

    def parse_refund_notice(self, incoming: IncomingNotice) -> RefundNotice:
        """Return what a notice of a refund says; raise ForgedNotice unless all of it is right."""
        outer = parse_flat_xml(incoming.body)
        merchant = self.merchant
        if outer.get("return_code") != "SUCCESS":
            raise ForgedNotice(reason="not a success")
        if outer.get("appid") != merchant.appid or outer.get("mch_id") != merchant.mch_id:
            raise ForgedNotice(reason="another merchant or app")
        inner = decrypted(outer.get("req_info", ""), merchant.api_key.values())
        fields = parse_flat_xml(inner)
        state = REFUND_STATES.get(fields.get("refund_status", ""), gateway.PROCESSING)
        if state == gateway.PROCESSING:
            raise ForgedNotice(reason="state")
        try:
            return RefundNotice(
                our_number(fields.get("out_refund_no")),
                wechats_number(fields.get("refund_id")),
                fen_of_text(fields.get("refund_fee")),
                state,
                masked(inner.decode()),
            )
        except ValueError as error:
            raise ForgedNotice(reason="numbers or amount") from error

    def download_bill(self, day: date) -> bytes | None:
        """Return the text of a day's bill, None where WeChat says that nothing was traded."""
        for key in self._keys():
            client = self._client(key)
            try:
                ask = partial(client.tools.download_bill, day, "ALL")
                with bounded_by(BILL):
                    answer: dict[str, Any] = self._call("bill", day.isoformat(), ask)
            except WeChatPayException as error:
                said = xmltodict.parse(error.response.content)["xml"]
                if SIGNATURE_WRONG in (error.return_msg or ""):
                    continue
                if said.get("error_code") == NO_BILL:
                    return None
                raise BillRefused(reason=error.return_msg or error.errcode) from error
            text: bytes = answer["bill"]
            return text
        raise GatewayUnavailable()
