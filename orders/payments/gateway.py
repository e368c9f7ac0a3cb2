"""What the mall needs of a payment provider."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol

SUCCESS, NOT_PAID, CLOSED, UNKNOWN = "SUCCESS", "NOTPAY", "CLOSED", "UNKNOWN"
# What becomes of a refund: SUCCESS or CLOSED as above, under way, the account gone, or not known.
PROCESSING, ABNORMAL = "PROCESSING", "ABNORMAL"
REFUND_STATES = (SUCCESS, PROCESSING, ABNORMAL, CLOSED)


# What WeChat is told where it is not known.
NOWHERE = "127.0.0.1"


@dataclass(frozen=True)
class PrepayRequest:
    """What is to be paid, by when, and where the notice goes."""

    out_trade_no: str
    amount_fen: int
    body: str
    trade_type: str
    openid: str | None
    expires_at: datetime
    # Whose device asks, as far as we know; WeChat looks for fraud by it.
    client_ip: str = NOWHERE


@dataclass(frozen=True)
class PrepayResult:
    """What the provider gave for paying: an id for the mini-program or what a QR code holds."""

    prepay_id: str
    code_url: str | None


@dataclass(frozen=True)
class TradeState:
    """What the provider says of a payment; `is_paid` has a number and an amount."""

    state: str
    transaction_id: str | None = None
    amount_fen: int | None = None

    @property
    def is_paid(self) -> bool:
        return self.transaction_id is not None


@dataclass(frozen=True)
class RefundRequest:
    """Money to send back; the same number is one refund however often it is asked for."""

    out_trade_no: str
    out_refund_no: str
    total_fen: int
    refund_fen: int
    reason: str


@dataclass(frozen=True)
class RefundState:
    """What the provider says of a refund; UNKNOWN where it has none of that number."""

    state: str
    refund_id: str | None = None
    refund_fen: int | None = None


@dataclass(frozen=True)
class IncomingNotice:
    """A notice as it came: nothing about it is believed yet."""

    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class PaidNotice:
    """A verified notice of a payment, with its masked text."""

    out_trade_no: str
    transaction_id: str
    amount_fen: int
    text: str = ""


@dataclass(frozen=True)
class RefundNotice:
    """A verified notice of what became of a refund: SUCCESS, ABNORMAL or CLOSED."""

    out_refund_no: str
    refund_id: str
    refund_fen: int
    state: str
    text: str = ""


@dataclass(frozen=True)
class WireMessage:
    """What went over the wire, people's identifiers and signatures masked."""

    merchant: str
    operation: str
    number: str
    outcome: str
    sent: str
    received: str


# Keeps a message; never fails and never belongs to anybody's transaction.
Keep = Callable[[WireMessage], None]


class PaymentGateway(Protocol):
    """A payment provider. Every call raises GatewayUnavailable when its outcome is unknown."""

    def create(self, request: PrepayRequest) -> PrepayResult:
        """Create a payment; GatewayRefused when the provider will not."""
        ...

    def pay_parameters(self, prepay_id: str) -> dict[str, Any]:
        """Return what the mini-program hands to `wx.requestPayment`."""
        ...

    def query(self, out_trade_no: str) -> TradeState: ...

    def close(self, out_trade_no: str) -> TradeState:
        """Close a payment; return CLOSED, or SUCCESS where it was paid first."""
        ...

    def refund(self, request: RefundRequest) -> str:
        """Ask for a refund; return the provider's number for it, or raise GatewayRefused."""
        ...

    def query_refund(self, out_refund_no: str) -> RefundState: ...

    def parse_notice(self, incoming: IncomingNotice) -> PaidNotice:
        """Return what a notice says; raise ForgedNotice unless all of it is right."""
        ...

    def parse_refund_notice(self, incoming: IncomingNotice) -> RefundNotice:
        """Return what a notice of a refund says; raise ForgedNotice unless all of it is right."""
        ...

    def download_bill(self, day: date) -> bytes | None:
        """Return the text of a day's bill (Beijing), None where WeChat says that there is none.

        Raises BillRefused where WeChat has none yet or its hash is wrong.
        """
        ...
