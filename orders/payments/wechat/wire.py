"""What both versions have in common: sessions with time-outs that keep what they carried."""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

import pybreaker
import requests
import structlog

from mall.kernel import clock
from mall.kernel.money import MAX_FEN
from mall.kernel.outgoing.session import BoundedSession, Bounds
from mall.kernel.settings import MerchantSettings
from orders.payments import gateway
from orders.payments.gateway import Keep, PrepayRequest, PrepayResult, TradeState, WireMessage
from orders.payments.rules import GatewayUnavailable, KeysUnusable
from orders.payments.wechat import keys

log = structlog.get_logger(__name__)

Answer = TypeVar("Answer")

# After so many calls without an answer nobody waits for a time-out any more, for so long.
MAX_SILENCES, REST_SECONDS = 5, 10
MAX_KEPT = 16_000
# A day of a busy merchant; nobody waits for it but a job.
BILL = Bounds(seconds=60, limit_bytes=64 * 1024 * 1024)
_HIDDEN = "openid|sub_openid|sign|user_received_account|refund_recv_accout|refund_recv_account"
_XML = re.compile(rf"<({_HIDDEN})>(?:<!\[CDATA\[)?([^<\]]*)(?:\]\]>)?</\1>")
_JSON = re.compile(rf'"({_HIDDEN})":\s*"([^"]*)"')
_about: ContextVar[tuple[str, str]] = ContextVar("about", default=("", ""))


# As WeChat forms its own numbers, and lets merchants form theirs.
_WECHATS_NUMBER = re.compile(r"[0-9]{1,32}")
_OUR_NUMBER = re.compile(r"[0-9A-Za-z_|*@-]{1,64}")
_FEN = re.compile(r"[0-9]{1,12}")


def wechats_number(value: object) -> str:
    """Return WeChat's number for a payment or refund; raise ValueError for anything else.

    A signature says who wrote a message, not that it is well written: `null` is no number.
    """
    if not isinstance(value, str) or not _WECHATS_NUMBER.fullmatch(value):
        raise ValueError("not a number of WeChat's form")
    return value


def our_number(value: object) -> str:
    """Return the number that we gave a payment or refund; raise ValueError for anything else."""
    if not isinstance(value, str) or not _OUR_NUMBER.fullmatch(value):
        raise ValueError("not a number of a merchant's form")
    return value


def fen_of(value: object) -> int:
    """Return an amount of a JSON message: a whole number of fen; raise ValueError for anything else."""
    if type(value) is not int or not 0 <= value <= MAX_FEN:
        raise ValueError("not a whole number of fen")
    return value


def fen_of_text(value: object) -> int:
    """Return an amount of an XML message: digits, fen; raise ValueError for anything else."""
    if not isinstance(value, str) or not _FEN.fullmatch(value):
        raise ValueError("not a whole number of fen")
    return fen_of(int(value))


def masked(text: str) -> str:
    """Return a message with identifiers of people and signatures cut to their first characters."""
    shown = text[:MAX_KEPT].replace("\x00", "")
    shown = _XML.sub(lambda m: f"<{m[1]}>{m[2][:4]}***</{m[1]}>", shown)
    return _JSON.sub(lambda m: f'"{m[1]}": "{m[2][:4]}***"', shown)


class WireSession(BoundedSession):
    """A session whose every call ends in time, and that keeps what was said."""

    def __init__(self, merchant: MerchantSettings, keep: Keep) -> None:
        super().__init__(Bounds(merchant.timeout_seconds))
        self._merchant = merchant
        self._keep = keep

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        try:
            response = super().send(request, **kwargs)
        except requests.RequestException as error:
            self._note(request, type(error).__name__, "")
            raise
        is_text = "octet" not in response.headers.get("Content-Type", "")
        is_short = is_text and len(response.content) <= MAX_KEPT
        received = response.text if is_short else f"({len(response.content)} bytes)"
        self._note(request, f"HTTP {response.status_code}", received)
        return response

    def _note(self, request: requests.PreparedRequest, outcome: str, received: str) -> None:
        operation, number = _about.get()
        body = request.body or b""
        text = body.decode(errors="replace") if isinstance(body, bytes) else str(body)
        sent = f"{request.method} {request.path_url}\n{text}"
        self._keep(
            WireMessage(
                self._merchant.name, operation, number, outcome, masked(sent), masked(received)
            )
        )


@contextmanager
def _talking(operation: str, number: str) -> Iterator[None]:
    token = _about.set((operation, number))
    try:
        yield
    finally:
        _about.reset(token)


class WeChatProvider(ABC):
    """A merchant's side of WeChat Pay: a breaker around calls, and the one retry there is."""

    # What the library raises where WeChat answered and refused: an answer, not silence.
    answers: tuple[type[Exception], ...] = ()

    def __init__(self, merchant: MerchantSettings, keep: Keep) -> None:
        self.merchant = merchant
        self.session = WireSession(merchant, keep)
        self.breaker = pybreaker.CircuitBreaker(
            fail_max=MAX_SILENCES,
            reset_timeout=REST_SECONDS,
            exclude=[self._is_no_silence],
        )

    def _call(self, operation: str, number: str, call: Callable[[], Answer]) -> Answer:
        """Make a call; raise GatewayUnavailable where no usable answer comes in time."""
        try:
            with _talking(operation, number):
                answer: Answer = self.breaker.call(call)
        except (requests.RequestException, pybreaker.CircuitBreakerError) as error:
            if isinstance(error, (requests.exceptions.SSLError, pybreaker.CircuitBreakerError)):
                self._must_have_keys(operation, number)
            raise GatewayUnavailable() from error
        except OSError as error:
            # A file of ours that is not there, for the library says so in this way.
            raise self._keys_unusable(operation, number, [type(error).__name__]) from error
        return answer

    def _is_no_silence(self, error: Exception) -> bool:
        """Tell whether WeChat answered, or a file of ours is missing: no reason to leave it alone."""
        is_file = isinstance(error, OSError) and not isinstance(error, requests.RequestException)
        return is_file or isinstance(error, self.answers)

    def _must_have_keys(self, operation: str, number: str) -> None:
        """Raise KeysUnusable where it was our own key pair that TLS could not use."""
        if found := keys.judge(self.merchant, clock.now()).problems:
            raise self._keys_unusable(operation, number, found)

    def _keys_unusable(self, operation: str, number: str, why: list[str]) -> KeysUnusable:
        log.error(
            "merchant_keys_unusable",
            merchant=self.merchant.name,
            operation=operation,
            number=number,
            why="; ".join(why),
        )
        return KeysUnusable()

    def _must_be(self, operation: str, number: str, told: object, expected: object) -> None:
        """Raise GatewayUnavailable for an answer about another payment: its outcome is unknown."""
        if told != expected:
            log.error(
                "payment_answer_differs", operation=operation, number=number, told=str(told)[:64]
            )
            raise GatewayUnavailable()

    @contextmanager
    def _strictly(self, operation: str, number: str) -> Iterator[None]:
        """Raise GatewayUnavailable for an answer that is not well formed: its outcome is unknown."""
        try:
            yield
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            log.error("payment_answer_malformed", operation=operation, number=number)
            raise GatewayUnavailable() from error

    def create(self, request: PrepayRequest) -> PrepayResult:
        """Create a payment; where the outcome is unknown, ask, then send it once more."""
        try:
            return self._create(request)
        except GatewayUnavailable:
            if self.query(request.out_trade_no).state not in (gateway.UNKNOWN, gateway.NOT_PAID):
                raise
            return self._create(request)

    @abstractmethod
    def _create(self, request: PrepayRequest) -> PrepayResult:
        """Create a payment, once."""

    @abstractmethod
    def query(self, out_trade_no: str) -> TradeState:
        """Ask what became of a payment."""
