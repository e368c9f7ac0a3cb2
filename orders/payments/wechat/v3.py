"""WeChat Pay's API v3 on wechatpayv3, doing what the library leaves to its caller.

wechatpayv3 verifies no refusal, knows one public key and one APIv3 key at a time, accepts notices
of any age, and opens a connection for every call. Each is made good here (docs/adr/0017).
"""

import hashlib
import hmac
import json
import time
import zlib
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from wechatpayv3 import WeChatPay, WeChatPayType
from wechatpayv3.utils import aes_decrypt

from mall.kernel import clock
from mall.kernel.outgoing.session import bounded_by
from mall.kernel.settings import MerchantSettings, WatchedFile
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
from orders.payments.wechat.v3_core import (
    PlatformKeys,
    VerifyingCore,
    WeChatPayRefusal,
    verify,
)
from orders.payments.wechat.wire import (
    BILL,
    WeChatProvider,
    fen_of,
    masked,
    our_number,
    wechats_number,
)

MAX_NOTICE_BYTES = 64 * 1024
MAX_BILL_BYTES = BILL.limit_bytes
# Codes that leave open whether anything happened; so does every status of 500 or more.
UNKNOWN_OUTCOME = {"SYSTEM_ERROR", "FREQUENCY_LIMITED", "RATELIMIT_EXCEEDED"}
# What is wrong here with us, not with the payment: nothing has happened, and nothing will.
OUR_FAULT = {"SIGN_ERROR", "NO_AUTH"}
NO_BILL = "NO_STATEMENT_EXIST"


class WeChatPayV3(WeChatProvider):
    """WeChat Pay for one merchant and mini-program, by API v3."""

    answers = (WeChatPayRefusal,)

    def __init__(self, merchant: MerchantSettings, keep: Keep) -> None:
        super().__init__(merchant, keep)
        self._keys = PlatformKeys(merchant.public_keys_dir)
        self._files = WatchedFile(Path(merchant.key_file)), WatchedFile(Path(merchant.cert_file))
        self._made_of: tuple[str, str, str, str] | None = None
        self._made: WeChatPay | None = None

    def _client(self) -> WeChatPay:
        """Return the library's client for the keys as they are now.

        While the private key and the certificate are being replaced they do not fit each other:
        until they do the pair of before is used.
        """
        try:
            made_of = self._read_keys()
        except (OSError, ValueError, TypeError, IndexError) as error:
            return self._made_before(type(error).__name__)
        if self._made is not None and made_of == self._made_of:
            return self._made
        private_key, certificate, key_id, public_key = made_of
        try:
            found = x509.load_pem_x509_certificate(certificate.encode())
            own = load_pem_private_key(private_key.encode(), None).public_key()
            load_pem_public_key(public_key.encode())
        except (ValueError, TypeError) as error:
            return self._made_before(type(error).__name__)
        if found.public_key() != own:
            return self._made_before("the private key does not belong to the certificate")
        client = WeChatPay(
            wechatpay_type=WeChatPayType.JSAPI,
            mchid=self.merchant.mch_id,
            private_key=private_key,
            cert_serial_no=format(found.serial_number, "X"),
            appid=self.merchant.appid,
            apiv3_key=self.merchant.apiv3_key.values()[0],
            notify_url=self.merchant.notify_url,
            timeout=self.merchant.timeout_seconds,
            public_key=public_key,
            public_key_id=key_id,
        )
        client._core.__class__ = VerifyingCore
        client._core._gate_way = self.merchant.base.rstrip("/")
        client._core.session, client._core.platform_keys = self.session, self._keys
        self._made, self._made_of = client, made_of
        return client

    def _read_keys(self) -> tuple[str, str, str, str]:
        private_key, certificate = (file.text() for file in self._files)
        key_id, public_key = self._keys.newest()
        return private_key, certificate, key_id, public_key

    def _made_before(self, why: str) -> WeChatPay:
        """Return the client of the last keys that were good; raise KeysUnusable without any."""
        if self._made is None:
            raise self._keys_unusable("keys", "", [why])
        return self._made

    def _ask(
        self, operation: str, number: str, ask: Callable[[WeChatPay], tuple[int, Any]]
    ) -> dict[str, Any]:
        """Return a verified answer; raise GatewayUnavailable when the outcome is unknown."""
        client = self._client()
        try:
            answer: dict[str, Any] = self._call(operation, number, lambda: ask(client))[1]
        except WeChatPayRefusal as error:
            if error.code in OUR_FAULT:
                why = [f"WeChat says {error.code}"]
                raise self._keys_unusable(operation, number, why) from error
            if error.code in UNKNOWN_OUTCOME:
                raise GatewayUnavailable() from error
            raise
        return answer

    def _create(self, request: PrepayRequest) -> PrepayResult:
        is_native = request.trade_type == "NATIVE"
        try:
            answer = self._ask(
                "order",
                request.out_trade_no,
                lambda client: client.pay(
                    description=request.body,
                    out_trade_no=request.out_trade_no,
                    amount={"total": request.amount_fen, "currency": "CNY"},
                    payer=None if is_native else {"openid": request.openid},
                    scene_info={"payer_client_ip": request.client_ip},
                    time_expire=request.expires_at.astimezone(clock.BEIJING).isoformat(
                        timespec="seconds"
                    ),
                    pay_type=WeChatPayType.NATIVE if is_native else WeChatPayType.JSAPI,
                ),
            )
        except WeChatPayRefusal as error:
            raise GatewayRefused(reason=error.code) from error
        return PrepayResult(str(answer.get("prepay_id", "")), answer.get("code_url"))

    def pay_parameters(self, prepay_id: str) -> dict[str, Any]:
        """Return what the mini-program hands to `wx.requestPayment`."""
        appid, timestamp = self.merchant.appid, str(int(time.time()))
        nonce = hashlib.sha256(f"{prepay_id}{time.time_ns()}".encode()).hexdigest()[:32]
        package = f"prepay_id={prepay_id}"
        return {
            "appId": appid,
            "timeStamp": timestamp,
            "nonceStr": nonce,
            "package": package,
            "signType": "RSA",
            "paySign": self._client().sign([appid, timestamp, nonce, package]),
        }

    def query(self, out_trade_no: str) -> TradeState:
        """Ask what became of a payment."""
        try:
            answer = self._ask(
                "query", out_trade_no, lambda client: client.query(out_trade_no=out_trade_no)
            )
        except WeChatPayRefusal as error:
            if error.code == "ORDER_NOT_EXIST":
                return TradeState(gateway.UNKNOWN)
            raise GatewayUnavailable() from error
        told = (answer.get("appid"), answer.get("mchid"), answer.get("out_trade_no"))
        expected = (self.merchant.appid, self.merchant.mch_id, out_trade_no)
        self._must_be("query", out_trade_no, told, expected)
        with self._strictly("query", out_trade_no):
            state = str(answer["trade_state"])
            # A refunded trade was paid all the same: what it paid for must be found.
            if state in ("SUCCESS", "REFUND"):
                amount = answer["amount"]
                self._must_be("query", out_trade_no, amount.get("currency", "CNY"), "CNY")
                total_fen = fen_of(amount["total"])
                return TradeState(state, wechats_number(answer["transaction_id"]), total_fen)
        return TradeState(state)

    def close(self, out_trade_no: str) -> TradeState:
        """Close a payment; one that was paid first wins."""
        try:
            self._ask("close", out_trade_no, lambda client: client.close(out_trade_no))
        except WeChatPayRefusal as error:
            if error.code in ("ORDERPAID", "ORDER_PAID", "ORDER_CLOSED"):
                return self.query(out_trade_no)
            if error.code == "ORDER_NOT_EXIST":
                return TradeState(gateway.CLOSED)
            raise GatewayUnavailable() from error
        return TradeState(gateway.CLOSED)

    def refund(self, request: RefundRequest) -> str:
        """Ask for a refund; return WeChat's number for it."""
        try:
            answer = self._ask(
                "refund",
                request.out_refund_no,
                lambda client: client.refund(
                    out_refund_no=request.out_refund_no,
                    amount={
                        "refund": request.refund_fen,
                        "total": request.total_fen,
                        "currency": "CNY",
                    },
                    out_trade_no=request.out_trade_no,
                    reason=request.reason,
                    notify_url=self.merchant.refund_notify_url,
                ),
            )
        except WeChatPayRefusal as error:
            raise GatewayRefused(reason=error.code) from error
        told = self._refund_told(answer, request.out_refund_no)
        self._must_be("refund", request.out_refund_no, told.refund_fen, request.refund_fen)
        return str(told.refund_id)

    def query_refund(self, out_refund_no: str) -> RefundState:
        """Ask what became of a refund."""
        try:
            answer = self._ask(
                "refund_query", out_refund_no, lambda client: client.query_refund(out_refund_no)
            )
        except WeChatPayRefusal as error:
            if error.code in ("RESOURCE_NOT_EXISTS", "REFUND_NOT_EXISTS"):
                return RefundState(gateway.UNKNOWN)
            raise GatewayUnavailable() from error
        return self._refund_told(answer, out_refund_no)

    def _refund_told(self, answer: dict[str, Any], number: str) -> RefundState:
        with self._strictly("refund", number):
            amount = answer["amount"]
            told = (answer.get("out_refund_no"), amount.get("currency", "CNY"))
            self._must_be("refund", number, told, (number, "CNY"))
            state = str(answer.get("status"))
            if state not in gateway.REFUND_STATES:
                state = gateway.PROCESSING
            return RefundState(state, wechats_number(answer["refund_id"]), fen_of(amount["refund"]))

    def _opened(self, incoming: IncomingNotice, prefix: str) -> tuple[str, dict[str, Any], str]:
        """Return a notice's event, its decrypted resource and that as masked text."""
        if len(incoming.body) > MAX_NOTICE_BYTES:
            raise ForgedNotice(reason="too large")
        try:
            text = incoming.body.decode()
            wrong = verify(self._keys, incoming.headers, text)
            if wrong is not None:
                raise ForgedNotice(reason=wrong)
            outer = json.loads(text)
            event, sealed = str(outer["event_type"]), outer["resource"]
            plain = self._decrypted(sealed)
            if plain is None or not event.startswith(prefix):
                raise ForgedNotice(reason="not encrypted with our key, or another event")
            resource = json.loads(plain)
            if resource["mchid"] != self.merchant.mch_id:
                raise ForgedNotice(reason="another merchant")
            return event, resource, masked(plain)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ForgedNotice(reason="not a notice") from error

    def _decrypted(self, sealed: dict[str, str]) -> str | None:
        for key in self.merchant.apiv3_key.values():
            plain: str | None = aes_decrypt(
                sealed["nonce"], sealed["ciphertext"], sealed.get("associated_data") or "", key
            )
            if plain is not None:
                return plain
        return None

    def parse_notice(self, incoming: IncomingNotice) -> PaidNotice:
        """Return what a notice says; raise ForgedNotice unless all of it is right."""
        _, resource, text = self._opened(incoming, "TRANSACTION.SUCCESS")
        try:
            amount = resource["amount"]
            if resource["appid"] != self.merchant.appid:
                raise ForgedNotice(reason="another app")
            if resource["trade_state"] != "SUCCESS" or amount.get("currency", "CNY") != "CNY":
                raise ForgedNotice(reason="not a success in yuan")
            return PaidNotice(
                our_number(resource["out_trade_no"]),
                wechats_number(resource["transaction_id"]),
                fen_of(amount["total"]),
                text,
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ForgedNotice(reason="numbers or amount") from error

    def parse_refund_notice(self, incoming: IncomingNotice) -> RefundNotice:
        """Return what a notice of a refund says; raise ForgedNotice unless all of it is right."""
        event, resource, text = self._opened(incoming, "REFUND.")
        try:
            state = str(resource["refund_status"])
            ended = (gateway.SUCCESS, gateway.ABNORMAL, gateway.CLOSED)
            if state not in ended or event != f"REFUND.{state}":
                raise ForgedNotice(reason="state")
            return RefundNotice(
                our_number(resource["out_refund_no"]),
                wechats_number(resource["refund_id"]),
                fen_of(resource["amount"]["refund"]),
                state,
                text,
            )
        except (ValueError, KeyError, TypeError) as error:
            raise ForgedNotice(reason="numbers or amount") from error

    def download_bill(self, day: date) -> bytes | None:
        """Return the text of a day's bill, its hash checked; None where nothing was traded."""
        number = day.isoformat()
        try:
            told = self._ask("bill", number, lambda client: client.trade_bill(number))
            # The file may lie on another host; it is asked for at the base we were given.
            where = urlsplit(str(told["download_url"]))
            path = f"{where.path}?{where.query}"
            with bounded_by(BILL):
                packed = self._ask("bill_file", number, lambda client: client.download_bill(path))
        except WeChatPayRefusal as error:
            if error.code == NO_BILL:
                return None
            raise BillRefused(reason=error.code) from error
        try:
            text = _unpacked(packed)  # type: ignore[arg-type]
        except (OSError, EOFError, zlib.error) as error:
            raise BillRefused(reason="not packed as announced") from error
        digest = hashlib.sha1(text, usedforsecurity=False).hexdigest()
        if not hmac.compare_digest(
            digest.encode(), str(told.get("hash_value", "")).lower().encode()
        ):
            raise BillRefused(reason="hash differs")
        return text


def _unpacked(packed: bytes) -> bytes:
    if not packed.startswith(b"\x1f\x8b"):
        return packed
    opener = zlib.decompressobj(31)
    text = opener.decompress(packed, MAX_BILL_BYTES)
    if opener.unconsumed_tail:
        raise OSError("larger than any bill")
    return text
