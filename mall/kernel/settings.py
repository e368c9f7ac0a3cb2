"""What the service can be told: one frozen record, built by the shell."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from flask import current_app


@dataclass(frozen=True)
class WeChatSettings:
    """The merchant and mini-program this service acts for."""

    appid: str
    app_secret: str
    mch_id: str
    pay_key: str
    pay_base: str
    login_base: str
    notify_url: str
    refund_notify_url: str
    cert_file: str
    key_file: str
    timeout_seconds: float
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
class Settings:
    """Everything read from the environment, checked once at start."""

    env: str
    debug: bool
    database_url: str
    redis_url: str
    secret_key: str
    wechat: WeChatSettings
    payment_timeout_seconds: int
    auto_confirm_seconds: int
    token_ttl_seconds: int
    idempotency_ttl_seconds: int
    lease_seconds: int
    media_dir: Path
    s3: S3Settings
    index_dir: Path
    fetch_images: bool
    qualification_notice_days: int
    log_level: str
    database_pool: int

    @property
    def is_production(self) -> bool:
        return self.env == "production"


def current_settings() -> Settings:
    """Return the settings of the application at work."""
    settings: Settings = current_app.extensions["mall_settings"]
    return settings
