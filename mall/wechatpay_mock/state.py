"""What the mock remembers: trades, refunds, used codes, faults, and what it received."""

import secrets
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

BEIJING = timezone(timedelta(hours=8))
MAX_RECEIVED = 1000


@dataclass
class Merchant:
    """The one merchant and mini-program that the mock acts for."""

    appid: str = "wxd930ea5d5a258f4f"
    app_secret: str = "demo-app-secret"
    mch_id: str = "10000100"
    pay_key: str = "192006250b4c09247ec02edce69f6a2d"


@dataclass
class Trade:
    """A unified order and what became of it."""

    fields: dict[str, str]
    prepay_id: str
    created_at: datetime
    expires_at: datetime | None
    state: str = "NOTPAY"
    transaction_id: str | None = None
    paid_fen: int = 0
    time_end: str = ""
    openid: str = ""

    def view(self) -> dict[str, Any]:
        """Return the trade as the control API shows it."""
        return {
            "out_trade_no": self.fields["out_trade_no"],
            "total_fee": int(self.fields["total_fee"]),
            "trade_type": self.fields["trade_type"],
            "state": self.state,
            "transaction_id": self.transaction_id,
        }


@dataclass
class Refund:
    """A refund under its merchant's number."""

    out_refund_no: str
    out_trade_no: str
    refund_id: str
    refund_fen: int
    state: str = "SUCCESS"
    notify_url: str = ""


@dataclass
class Fault:
    """Something that goes wrong for the next calls of a path."""

    path: str
    kind: str
    times: int


@dataclass
class State:
    """All of it, behind one lock."""

    merchant: Merchant = field(default_factory=Merchant)
    is_stateless: bool = False
    trades: dict[str, Trade] = field(default_factory=dict)
    refunds: dict[str, Refund] = field(default_factory=dict)
    used_codes: set[str] = field(default_factory=set)
    faults: list[Fault] = field(default_factory=list)
    received: list[dict[str, Any]] = field(default_factory=list)
    notices: list[dict[str, Any]] = field(default_factory=list)
    clock_offset: timedelta = timedelta(0)
    next_refund_state: str = "SUCCESS"
    lock: threading.RLock = field(default_factory=threading.RLock)

    def now(self) -> datetime:
        """Return the mock's time, which the control API can move."""
        return datetime.now(UTC) + self.clock_offset

    def take_fault(self, path: str) -> str | None:
        """Return what goes wrong with this call, if anything, and count it."""
        with self.lock:
            for fault in self.faults:
                if fault.path == path and fault.times > 0:
                    fault.times -= 1
                    return fault.kind
        return None

    def note_received(self, path: str, fields: dict[str, str]) -> None:
        """Keep the last requests for the control API."""
        with self.lock:
            self.received.append({"path": path, "fields": fields})
            del self.received[:-MAX_RECEIVED]


def new_number(prefix: str) -> str:
    """Return an identifier of 28 digits, as WeChat's transaction ids are."""
    return prefix + "".join(secrets.choice("0123456789") for _ in range(28 - len(prefix)))
