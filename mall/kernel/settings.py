"""What the service can be told: one frozen record, built by the shell; secrets may change."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any

from flask import current_app

# What every page of a staging mall says of itself.
STAGING_MARK = "预发布环境，仅供测试 · STAGING, for trials only"


@dataclass
class WatchedFile:
    """The text of a file, read again when the file changes; the last good one if it is gone."""

    path: Path
    _seen: tuple[int, int] | None = None
    _text: str = ""

    def text(self) -> str:
        """Return what the file holds now; raises OSError where it could never be read."""
        try:
            found = self.path.stat()
            seen = (found.st_mtime_ns, found.st_size)
            if seen != self._seen:
                self._text = self.path.read_text(encoding="utf-8")
                self._seen = seen
        except OSError:
            if self._seen is None:
                raise
        return self._text


@dataclass
class Secret:
    """One secret in all the values that are valid at this moment; the first is the one to use."""

    given: str = ""
    file: Path | None = None
    _watched: WatchedFile | None = field(default=None, init=False, repr=False)

    def values(self) -> tuple[str, ...]:
        """Return the valid values: the lines of the file where there is one."""
        if self.file is None:
            return (self.given,) if self.given else ()
        if self._watched is None:
            self._watched = WatchedFile(self.file)
        return tuple(line.strip() for line in self._watched.text().splitlines() if line.strip())

    def __repr__(self) -> str:
        return f"Secret(file={self.file})" if self.file else "Secret(***)"


@dataclass(frozen=True)
class MerchantSettings:
    """One merchant at WeChat Pay, the version of the API it speaks, and whom it collects for."""

    name: str
    version: str
    mch_id: str
    appid: str
    base: str
    notify_url: str
    refund_notify_url: str
    timeout_seconds: float
    # What WeChat keeps of a payment, in ten-thousandths (60: 0.60 %).
    fee_rate: int
    # Codes of the unions whose members pay to it; the main one takes everybody else.
    unions: frozenset[str]
    api_key: Secret
    apiv3_key: Secret
    cert_file: str
    key_file: str
    # A folder with WeChat's public keys, each named by its id: PUB_KEY_ID_….pem
    public_keys_dir: str


@dataclass(frozen=True)
class WeChatSettings:
    """The mini-program, and the merchants this service acts for; the first is the main one."""

    appid: str
    app_secret: str
    login_base: str
    timeout_seconds: float
    merchants: tuple[MerchantSettings, ...]
    # Subscribe-message template of each kind of notice.
    templates: Mapping[str, str]


@dataclass(frozen=True)
class S3Settings:
    """An S3-compatible bucket; without a bucket files stay in a local folder."""

    endpoint: str
    region: str
    bucket: str
    access_key: str
    secret_key: str


@dataclass(frozen=True)
class Kuaidi100Settings:
    """Who follows parcels for the mall; without a key nobody does."""

    base: str
    key: str
    customer: str
    callback_url: str
    timeout_seconds: int

    @property
    def is_configured(self) -> bool:
        return bool(self.key)


@dataclass(frozen=True)
class AfterSalesSettings:
    """How long each side has in after-sales, in seconds; after that the deadline decides."""

    window_seconds: int
    decide_seconds: int
    send_back_seconds: int
    inspect_seconds: int
    appeal_seconds: int

    @property
    def window(self) -> timedelta:
        """Return how long after delivery a member may ask."""
        return timedelta(seconds=self.window_seconds)


@dataclass(frozen=True)
class AloneSettings:
    """What an operator may move alone in a day, in fen, and how long a second person has."""

    limit_fen: int
    proposal_days: int


@dataclass(frozen=True)
class Settings:
    """Everything read from the environment, checked once at start."""

    env: str
    debug: bool
    database_url: str
    # As the owner of its tables, who migrates; may be the same.
    owner_url: str
    redis_url: str
    secret_key: str
    wechat: WeChatSettings
    payment_timeout_seconds: int
    dispatch_within_seconds: int
    auto_confirm_seconds: int
    voucher_days: int
    after_sales: AfterSalesSettings
    kuaidi100: Kuaidi100Settings
    token_ttl_seconds: int
    # Whether finance and accounts duties of operators need a second factor.
    totp_required: bool
    # Whether nobody decides, and nothing is decided that somebody made, who has not proved who
    # they are.
    persons_confirmed: bool
    alone: AloneSettings
    # What a new supplier pays until two persons agree on another rate, in ten-thousandths.
    default_commission_bps: int
    # Where staff opens an invitation, in front of its code.
    invitation_url: str
    idempotency_ttl_seconds: int
    lease_seconds: int
    media_dir: Path
    s3: S3Settings
    file_retention_days: int
    document_retention_days: int
    # How many files, and megabytes of them, are kept for each kind of owner.
    storage: Mapping[str, tuple[int, int]]
    index_dir: Path
    fetch_images: bool
    qualification_notice_days: int
    rate_limits: bool
    # Where clients find the mall; nothing: as each request says.
    public_url: str
    # Whose word about their clients' addresses is believed.
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...]
    metrics_token: str
    # Whether the documents of the API are on the public port too.
    public_docs: bool
    log_level: str
    database_pool: int

    @property
    def is_development(self) -> bool:
        """Tell whether demo accounts and secrets may be used."""
        return self.env == "development"

    @property
    def is_staging(self) -> bool:
        """Tell whether this is production in all but its gateways, which may be mocks."""
        return self.env == "staging"


def installed(name: str) -> Any:
    """Return what the shell gave the application at work under a name."""
    return current_app.extensions[name]


def current_settings() -> Settings:
    """Return the settings of the application at work."""
    settings: Settings = installed("mall_settings")
    return settings
