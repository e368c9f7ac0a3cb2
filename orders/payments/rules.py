"""What a payment may become, and when to ask again."""

from dataclasses import dataclass
from datetime import timedelta

from mall.kernel.errors import DomainError
from mall.kernel.states import Transitions
from mall.kernel.text import wording

JSAPI, NATIVE = "JSAPI", "NATIVE"
TRADE_TYPES = (JSAPI, NATIVE)
OPEN, PAID, CLOSED = "open", "paid", "closed"
# A closed payment can still turn out paid: the notice was under way when it was closed.
STATES = Transitions("payment", {OPEN: {PAID, CLOSED}, CLOSED: {PAID}, PAID: set()})
FOR_ORDER, FOR_FUND = "order", "fund"
KEEP_MESSAGES = timedelta(days=180)
MAX_BODY_BYTES = 127
FIRST_QUERY, MAX_QUERY = timedelta(seconds=10), timedelta(minutes=10)


class PaymentNotNeeded(DomainError):
    code = "payment_not_needed"


class PaymentOpen(DomainError):
    code = "payment_open"


class PaymentWindowClosed(DomainError):
    code = "payment_window_closed"


class GatewayUnavailable(DomainError):
    code = "payment_gateway_unavailable"


class KeysUnusable(GatewayUnavailable):
    """Nothing was asked of WeChat, or nothing of it was taken: our keys are wrong."""

    code = "payment_keys_unusable"


class GatewayRefused(DomainError):
    code = "payment_gateway_refused"


class ForgedNotice(DomainError):
    code = "forged_notice"


class UnknownMerchant(DomainError):
    code = "unknown_merchant"


class BillRefused(DomainError):
    code = "bill_refused"


class AlreadyPaid(DomainError):
    code = "already_paid"


@dataclass(frozen=True)
class ConfirmedPayment:
    """What WeChat confirmed: whose merchant's payment, under which numbers, how much."""

    merchant: str
    out_trade_no: str
    transaction_id: str
    amount_fen: int


def query_delay(attempts: int) -> timedelta:
    """Return how long to wait before asking WeChat again: 10 s, doubling, 10 minutes at most."""
    return min(FIRST_QUERY * 2 ** min(attempts, 10), MAX_QUERY)


def goods_text(titles: list[str]) -> str:
    """Return what the payer reads at WeChat: no XML breakers, at most 127 bytes of UTF-8."""
    text = titles[0] if titles else _subject("order")
    if len(titles) > 1:
        text = _subject("several", title=text, count=len(titles))
    kept = "".join(c for c in text.replace("]]>", "") if c.isprintable() and ord(c) <= 0xFFFF)
    return kept.encode()[:MAX_BODY_BYTES].decode(errors="ignore") or _subject("order")


def _subject(key: str, **details: str | int) -> str:
    return wording.name("payment_subject", key, **details).zh
