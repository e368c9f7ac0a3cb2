"""What the mock remembers: trades, refunds, used codes, faults, and what it received."""

import random
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from mocks.wechatpay.fixture_files import Fixtures, Merchant

BEIJING = timezone(timedelta(hours=8))
MAX_RECEIVED = 1000
HEX, DIGITS = "0123456789abcdef", "0123456789"


@dataclass
class Trade:
    """An order at WeChat and what became of it; amounts are fen."""

    mch_id: str
    appid: str
    out_trade_no: str
    description: str
    total_fen: int
    trade_type: str
    openid: str
    notify_url: str
    attach: str
    # The version of the API that created it: its notices speak that, too.
    api: str
    prepay_id: str
    created_at: datetime
    expires_at: datetime | None
    state: str = "NOTPAY"
    transaction_id: str | None = None
    paid_fen: int = 0
    paid_at: datetime | None = None

    def view(self) -> dict[str, Any]:
        """Return the trade as the control API shows it."""
        return {
            "mch_id": self.mch_id,
            "out_trade_no": self.out_trade_no,
            "total_fee": self.total_fen,
            "trade_type": self.trade_type,
            "state": self.state,
            "transaction_id": self.transaction_id,
            "api": self.api,
        }


@dataclass
class Refund:
    """A refund under its merchant's number; its state is SUCCESS, PROCESSING, ABNORMAL or CLOSED."""

    mch_id: str
    out_refund_no: str
    out_trade_no: str
    refund_id: str
    refund_fen: int
    state: str
    notify_url: str
    api: str
    created_at: datetime

    def view(self) -> dict[str, Any]:
        """Return the refund as the control API shows it."""
        shown = ("mch_id", "out_refund_no", "out_trade_no", "refund_id", "refund_fen", "state")
        return {name: getattr(self, name) for name in shown}


@dataclass
class Fault:
    """Something that goes wrong for the next calls of an operation or a path."""

    path: str
    kind: str
    times: int
    fields: dict[str, Any]


@dataclass
class State:
    """All of it, behind one lock."""

    fixtures: Fixtures
    is_stateless: bool = False
    seed: int | None = None
    # A clock that stands still until it is moved; None: that of the machine.
    begins_at: datetime | None = None
    trades: dict[tuple[str, str], Trade] = field(default_factory=dict)
    refunds: dict[tuple[str, str], Refund] = field(default_factory=dict)
    used_codes: set[str] = field(default_factory=set)
    faults: list[Fault] = field(default_factory=list)
    received: list[dict[str, Any]] = field(default_factory=list)
    notices: list[dict[str, Any]] = field(default_factory=list)
    held: list["Held"] = field(default_factory=list)
    clock_offset: timedelta = timedelta(0)
    next_refund_state: str = "SUCCESS"
    lock: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self.merchants: dict[str, Merchant] = {}
        self.platform_key_id = ""
        self.restore_keys()

    def restore_keys(self) -> None:
        """Take the keys as the fixtures have them, before any rotation."""
        self.merchants = {each.mch_id: each for each in self.fixtures.merchants}
        self.platform_key_id = next(iter(self.fixtures.platform_keys))

    def reset(self) -> None:
        """Forget everything, and begin the numbers of the seed anew."""
        for kept in (self.trades, self.refunds, self.used_codes):
            kept.clear()
        for listed in (self.faults, self.received, self.notices, self.held):
            listed.clear()
        self.next_refund_state = "SUCCESS"
        self.clock_offset = timedelta(0)
        self._random.seed(self.seed)
        self.restore_keys()

    def now(self) -> datetime:
        """Return the mock's time, which the control API can move."""
        return (self.begins_at or datetime.now(UTC)) + self.clock_offset

    def number(self, prefix: str, length: int = 28, alphabet: str = DIGITS) -> str:
        """Return an identifier; the same ones in the same order for the same seed."""
        with self.lock:
            rest = self._random.choices(alphabet, k=length - len(prefix))
        return prefix + "".join(rest)

    def take_fault(self, *names: str) -> Fault | None:
        """Return what goes wrong with a call of any of these names, if anything, and count it."""
        with self.lock:
            for fault in self.faults:
                if fault.path in names and fault.times > 0:
                    fault.times -= 1
                    return fault
        return None

    def note_received(self, path: str, operation: str, fields: dict[str, Any]) -> None:
        """Keep the last requests for the control API."""
        with self.lock:
            self.received.append({"path": path, "operation": operation, "fields": fields})
            del self.received[:-MAX_RECEIVED]


@dataclass
class Held:
    """A notice that waits to be sent: where to, its bytes and headers."""

    url: str
    body: bytes
    headers: dict[str, str]
