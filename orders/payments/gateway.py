"""What the mall needs of a payment provider."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

SUCCESS, NOT_PAID, CLOSED, UNKNOWN = "SUCCESS", "NOTPAY", "CLOSED", "UNKNOWN"


@dataclass(frozen=True)
class PrepayRequest:
    """What is to be paid, by when, and where the notice goes."""

    out_trade_no: str
    amount_fen: int
    body: str
    trade_type: str
    openid: str | None
    expires_at: datetime


@dataclass(frozen=True)
class Prepaid:
    """What the provider gave for paying."""

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
class PaidNotice:
    """A verified notice of a payment."""

    out_trade_no: str
    transaction_id: str
    amount_fen: int


@dataclass(frozen=True)
class RefundNotice:
    """A decrypted notice of what became of a refund: SUCCESS, CHANGE or REFUNDCLOSE."""

    out_refund_no: str
    refund_id: str
    refund_fen: int
    state: str


@dataclass(frozen=True)
class RefundRequest:
    """Money to send back; the same number is one refund however often it is asked for."""

    out_trade_no: str
    out_refund_no: str
    total_fen: int
    refund_fen: int
    reason: str


class PaymentGateway(Protocol):
    """A payment provider. Every call raises GatewayUnavailable when its outcome is unknown."""

    def prepay(self, request: PrepayRequest) -> Prepaid: ...

    def pay_parameters(self, prepay_id: str) -> dict[str, Any]: ...

    def query(self, out_trade_no: str) -> TradeState: ...

    def close(self, out_trade_no: str) -> TradeState:
        """Close a payment; return CLOSED, or SUCCESS where it was paid first."""
        ...

    def refund(self, request: RefundRequest) -> str:
        """Ask for a refund; return the provider's number for it."""
        ...

    def refund_state(self, out_refund_no: str) -> str:
        """Return SUCCESS, PROCESSING, CHANGE, REFUNDCLOSE, or REFUNDNOTEXIST."""
        ...

    def parse_notice(self, body: bytes) -> PaidNotice:
        """Return what a notice says; raise ForgedNotice unless all of it is right."""
        ...

    def parse_refund_notice(self, body: bytes) -> RefundNotice:
        """Return what a notice of a refund says; raise ForgedNotice unless all of it is right."""
        ...
