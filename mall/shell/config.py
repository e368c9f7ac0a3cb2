"""The only reader of the environment: settings from variables, refused where they are unsafe."""

import os
from collections.abc import Mapping
from pathlib import Path

from mall.kernel.files.quotas import MEMBER, OPERATOR, SUPPLIER, UNION
from mall.kernel.settings import (
    AfterSalesSettings,
    AloneSettings,
    Kuaidi100Settings,
    S3Settings,
    Settings,
    WeChatSettings,
)
from mall.shell import environments, merchants
from mall.shell.environments import DEMO_APP_SECRET, DEMO_SECRET_KEY, DEMO_TEMPLATES, KUAIDI100
from mall.shell.merchants import DEMO_APPID, MerchantError
from mall.shell.serving.proxies import Network, networks

MOCK = "http://127.0.0.1:12111"
# Where others call us, below the public address.
CALLED_AT = {
    "WECHATPAY_NOTIFY_URL": "/v1/webhooks/wechat/pay",
    "WECHATPAY_REFUND_NOTIFY_URL": "/v1/webhooks/wechat/refund",
    "KUAIDI100_CALLBACK_URL": "/v1/webhooks/kuaidi100",
}

# Name, default in development, what it is. `docs/configuration.md` is written from this table.
VARIABLES: tuple[tuple[str, str, str], ...] = (
    ("MALL_ENV", "development", "`production` refuses demo secrets, mocks and DEBUG; or `staging`"),
    ("MALL_DEBUG", "0", "1: tracebacks in the log at every level; never in production"),
    ("MALL_SECRET_KEY", DEMO_SECRET_KEY, "Flask's secret key, at least 32 characters"),
    ("DATABASE_URL", "", "PostgreSQL ≥ 15; left out, `make run` starts an embedded one"),
    ("DATABASE_OWNER_URL", "", "The same as its tables' owner, for migrations; left out, as above"),
    ("REDIS_URL", "", "Valkey or Redis; left out, `make run` starts an embedded one"),
    ("WECHATPAY_API_BASE", "", "Base of the pay API; left out, `make run` starts the mock"),
    ("WEIXIN_API_BASE", "", "Base of the login API; left out, that of the pay API"),
    ("WECHAT_APPID", DEMO_APPID, "The mini-program's appid"),
    ("WECHAT_APP_SECRET", DEMO_APP_SECRET, "The mini-program's secret"),
    *merchants.VARIABLES,
    (
        "WECHAT_TEMPLATE_GIFT",
        DEMO_TEMPLATES["WECHAT_TEMPLATE_GIFT"],
        "Subscribe message: something was issued",
    ),
    (
        "WECHAT_TEMPLATE_REMINDER",
        DEMO_TEMPLATES["WECHAT_TEMPLATE_REMINDER"],
        "Subscribe message: not chosen yet",
    ),
    ("KUAIDI100_KEY", "", "Key at kuaidi100, which follows parcels; left out, people report"),
    ("KUAIDI100_CUSTOMER", "", "Customer number at kuaidi100, for asking about a parcel"),
    ("KUAIDI100_API_BASE", KUAIDI100, "Its base; `make run` starts a stand-in"),
    (
        "KUAIDI100_CALLBACK_URL",
        "http://127.0.0.1:8000/v1/webhooks/kuaidi100",
        "Where its pushes go; the parcel's id follows",
    ),
    ("KUAIDI100_TIMEOUT_SECONDS", "5", "Time-out of every call to it"),
    ("MALL_PAYMENT_TIMEOUT_SECONDS", "1800", "Time to pay an order"),
    ("MALL_DISPATCH_WITHIN_SECONDS", "172800", "Promised time from payment to dispatch"),
    ("MALL_AUTO_CONFIRM_SECONDS", "864000", "Time after dispatch until silence confirms"),
    ("MALL_VOUCHER_DAYS", "180", "How long a pickup voucher is good; then it goes back"),
    ("MALL_AFTER_SALES_WINDOW_SECONDS", "1296000", "After delivery: time to ask for after-sales"),
    ("MALL_AFTER_SALES_DECIDE_SECONDS", "172800", "For a supplier to decide; silence approves"),
    ("MALL_AFTER_SALES_SEND_BACK_SECONDS", "604800", "For a member to send goods back"),
    ("MALL_AFTER_SALES_INSPECT_SECONDS", "864000", "For a supplier to receive what was sent back"),
    ("MALL_AFTER_SALES_APPEAL_SECONDS", "604800", "For a member to appeal a refusal"),
    ("MALL_TOKEN_TTL_SECONDS", "2592000", "Life of an access token"),
    ("MALL_TOTP_REQUIRED", "", "1: finance and accounts duties need TOTP; 0 in development"),
    ("MALL_PERSONS_CONFIRMED", "", "1: staff proves who it is before it decides; 0 in development"),
    ("MALL_ALONE_FEN", "100000", "What an operator moves alone in a day, in fen; 0: nothing"),
    ("MALL_PROPOSAL_DAYS", "7", "How long a proposal waits for a second operator, in days"),
    ("MALL_DEFAULT_COMMISSION_BPS", "0", "A new supplier's commission, in ten-thousandths"),
    ("MALL_INVITATION_URL", "", "Page where staff accepts an invitation; `#` and its code follow"),
    ("MALL_IDEMPOTENCY_TTL_SECONDS", "86400", "Life of an Idempotency-Key's answer, ≥ 24 h"),
    ("MALL_LEASE_SECONDS", "5", "How long a delivery is left to the job before it is swept"),
    ("MALL_MEDIA_DIR", "var/media", "Where images, documents and uploads are kept, without S3"),
    ("MALL_S3_BUCKET", "", "Keep files in this S3-compatible bucket instead"),
    ("MALL_S3_ENDPOINT", "", "Its server; left out, Amazon's"),
    ("MALL_S3_REGION", "us-east-1", "Its region"),
    ("MALL_S3_ACCESS_KEY", "", "Its access key"),
    ("MALL_S3_SECRET_KEY", "", "Its secret key"),
    ("MALL_FILE_RETENTION_DAYS", "90", "How long superseded sheets and rosters are kept, in days"),
    ("MALL_DOCUMENT_RETENTION_DAYS", "1095", "The same of documents that are not in force"),
    ("MALL_STORED_FILES_SUPPLIER", "20000", "How many files are kept for a supplier"),
    ("MALL_STORED_MB_SUPPLIER", "5000", "How many megabytes of them"),
    ("MALL_STORED_FILES_UNION", "2000", "The same for a union: its rosters"),
    ("MALL_STORED_MB_UNION", "2000", "How many megabytes of them"),
    ("MALL_STORED_FILES_MEMBER", "500", "The same for a member: pictures of after-sales"),
    ("MALL_STORED_MB_MEMBER", "200", "How many megabytes of them"),
    ("MALL_STORED_FILES_OPERATOR", "20000", "The same for an operator: pictures of the window"),
    ("MALL_STORED_MB_OPERATOR", "5000", "How many megabytes of them"),
    ("MALL_INDEX_DIR", "var/index", "Where the search index is kept; it can always be rebuilt"),
    ("MALL_FETCH_IMAGES", "0", "1: uploads may name images by URL, fetched from public addresses"),
    ("MALL_QUALIFICATION_NOTICE_DAYS", "30", "How early an ending qualification is announced"),
    ("MALL_RATE_LIMITS", "1", "0: nobody is refused for asking often; for load tests"),
    ("MALL_PUBLIC_URL", "", "Where clients find the mall, https://…; notices come there too"),
    ("MALL_TRUSTED_PROXIES", "", "Networks of proxies whose X-Forwarded-For is believed"),
    ("MALL_METRICS_TOKEN", "", "Bearer token of /metrics on the public port; left out, not there"),
    ("MALL_PUBLIC_DOCS", "", "1: /docs on the public port too; 1 in development"),
    ("MALL_LOG_LEVEL", "INFO", "DEBUG, INFO, WARNING or ERROR"),
    ("MALL_DATABASE_POOL", "8", "Connections of one process to the database"),
)
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
_DEFAULTS = {name: default for name, default, _ in VARIABLES}


class ConfigError(Exception):
    """The environment cannot be used; the message lists every reason."""


def _whole(values: Mapping[str, str], name: str, least: int) -> int:
    try:
        return merchants.whole(values, name, least)
    except MerchantError as error:
        raise ConfigError(str(error)) from error


def _storage(values: Mapping[str, str]) -> dict[str, tuple[int, int]]:
    """Return how many files, and megabytes, are kept for each kind of owner."""
    return {
        kind: (
            _whole(values, f"MALL_STORED_FILES_{kind.upper()}", 1),
            _whole(values, f"MALL_STORED_MB_{kind.upper()}", 1),
        )
        for kind in (SUPPLIER, UNION, MEMBER, OPERATOR)
    }


def _wechat(
    values: Mapping[str, str], bases: tuple[str, str], env: str
) -> tuple[WeChatSettings, list[str]]:
    """Return the settings of WeChat and what keeps them from being used."""
    pay_base, login_base = bases
    try:
        found = merchants.read(values, pay_base, env)
    except MerchantError as error:
        raise ConfigError(str(error)) from error
    settings = WeChatSettings(
        appid=values["WECHAT_APPID"],
        app_secret=values["WECHAT_APP_SECRET"],
        login_base=login_base,
        timeout_seconds=found[0].timeout_seconds,
        merchants=found,
        templates={
            "gift": values["WECHAT_TEMPLATE_GIFT"],
            "reminder": values["WECHAT_TEMPLATE_REMINDER"],
        },
    )
    return settings, [each for one in found for each in merchants.problems(one, env)]


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings; raise ConfigError with every reason why they cannot be used."""
    given = os.environ if environ is None else environ
    values = {name: given.get(name, default) for name, default in _DEFAULTS.items()}
    _at_public_url(values, given)
    return _settings(values, _usable(values))


def _usable(values: Mapping[str, str]) -> WeChatSettings:
    """Return the settings of WeChat; raise ConfigError with all that cannot be used, of anything."""
    env = values["MALL_ENV"]
    if env not in environments.ENVIRONMENTS:
        raise ConfigError(f"MALL_ENV is one of {', '.join(environments.ENVIRONMENTS)}; not {env!r}")
    is_strict = environments.is_strict(env)
    fallback = (environments.WECHAT_PAY, environments.WECHAT_LOGIN) if is_strict else (MOCK, MOCK)
    pay_base = values["WECHATPAY_API_BASE"] or fallback[0]
    login_base = values["WEIXIN_API_BASE"] or values["WECHATPAY_API_BASE"] or fallback[1]
    problems = [f"{name} is not set" for name in ("DATABASE_URL", "REDIS_URL") if not values[name]]
    if values["MALL_S3_BUCKET"]:
        keys = ("MALL_S3_ACCESS_KEY", "MALL_S3_SECRET_KEY")
        problems += [f"{name} is not set for the bucket" for name in keys if not values[name]]
    problems += environments.problems(env, values, (pay_base, login_base))
    wechat, unusable = _wechat(values, (pay_base, login_base), env)
    problems += unusable
    if problems:
        raise ConfigError("refused to start: " + "; ".join(problems))
    if values["MALL_LOG_LEVEL"] not in LOG_LEVELS:
        raise ConfigError(f"MALL_LOG_LEVEL is one of {', '.join(LOG_LEVELS)}")
    return wechat


def _settings(values: Mapping[str, str], wechat: WeChatSettings) -> Settings:
    env = values["MALL_ENV"]
    is_strict = environments.is_strict(env)
    return Settings(
        env=env,
        debug=values["MALL_DEBUG"] == "1",
        database_url=_driver(values["DATABASE_URL"]),
        owner_url=_driver(values["DATABASE_OWNER_URL"] or values["DATABASE_URL"]),
        redis_url=values["REDIS_URL"],
        secret_key=values["MALL_SECRET_KEY"],
        wechat=wechat,
        payment_timeout_seconds=_whole(values, "MALL_PAYMENT_TIMEOUT_SECONDS", 60),
        dispatch_within_seconds=_whole(values, "MALL_DISPATCH_WITHIN_SECONDS", 60),
        auto_confirm_seconds=_whole(values, "MALL_AUTO_CONFIRM_SECONDS", 0),
        voucher_days=_whole(values, "MALL_VOUCHER_DAYS", 1),
        after_sales=_after_sales(values),
        kuaidi100=_kuaidi100(values),
        token_ttl_seconds=_whole(values, "MALL_TOKEN_TTL_SECONDS", 60),
        totp_required=(values["MALL_TOTP_REQUIRED"] or str(int(is_strict))) == "1",
        persons_confirmed=(values["MALL_PERSONS_CONFIRMED"] or str(int(is_strict))) == "1",
        alone=_alone(values),
        default_commission_bps=_commission(values),
        invitation_url=values["MALL_INVITATION_URL"],
        idempotency_ttl_seconds=_whole(values, "MALL_IDEMPOTENCY_TTL_SECONDS", 86400),
        lease_seconds=_whole(values, "MALL_LEASE_SECONDS", 1),
        media_dir=Path(values["MALL_MEDIA_DIR"]).resolve(),
        s3=_bucket(values),
        file_retention_days=_whole(values, "MALL_FILE_RETENTION_DAYS", 1),
        document_retention_days=_whole(values, "MALL_DOCUMENT_RETENTION_DAYS", 1),
        storage=_storage(values),
        index_dir=Path(values["MALL_INDEX_DIR"]).resolve(),
        fetch_images=values["MALL_FETCH_IMAGES"] == "1",
        qualification_notice_days=_whole(values, "MALL_QUALIFICATION_NOTICE_DAYS", 1),
        public_url=values["MALL_PUBLIC_URL"],
        trusted_proxies=_proxies(values),
        metrics_token=values["MALL_METRICS_TOKEN"],
        public_docs=(values["MALL_PUBLIC_DOCS"] or str(int(not is_strict))) == "1",
        rate_limits=values["MALL_RATE_LIMITS"] == "1",
        log_level=values["MALL_LOG_LEVEL"],
        database_pool=_whole(values, "MALL_DATABASE_POOL", 1),
    )


def _after_sales(values: Mapping[str, str]) -> AfterSalesSettings:
    return AfterSalesSettings(
        window_seconds=_whole(values, "MALL_AFTER_SALES_WINDOW_SECONDS", 0),
        decide_seconds=_whole(values, "MALL_AFTER_SALES_DECIDE_SECONDS", 60),
        send_back_seconds=_whole(values, "MALL_AFTER_SALES_SEND_BACK_SECONDS", 60),
        inspect_seconds=_whole(values, "MALL_AFTER_SALES_INSPECT_SECONDS", 60),
        appeal_seconds=_whole(values, "MALL_AFTER_SALES_APPEAL_SECONDS", 60),
    )


def _alone(values: Mapping[str, str]) -> AloneSettings:
    return AloneSettings(
        limit_fen=_whole(values, "MALL_ALONE_FEN", 0),
        proposal_days=_whole(values, "MALL_PROPOSAL_DAYS", 1),
    )


def _proxies(values: Mapping[str, str]) -> tuple[Network, ...]:
    try:
        return networks(values["MALL_TRUSTED_PROXIES"])
    except ValueError as error:
        raise ConfigError(f"MALL_TRUSTED_PROXIES: {error}") from error


def _at_public_url(values: dict[str, str], given: Mapping[str, str]) -> None:
    """Let others call where clients find the mall, unless they are told another place."""
    base = values["MALL_PUBLIC_URL"] = values["MALL_PUBLIC_URL"].rstrip("/")
    for name, path in CALLED_AT.items():
        if base and name not in given:
            values[name] = base + path


def _commission(values: Mapping[str, str]) -> int:
    found = _whole(values, "MALL_DEFAULT_COMMISSION_BPS", 0)
    if found > 10_000:
        raise ConfigError("MALL_DEFAULT_COMMISSION_BPS is at most 10000, a hundred per cent")
    return found


def _bucket(values: Mapping[str, str]) -> S3Settings:
    return S3Settings(
        endpoint=values["MALL_S3_ENDPOINT"],
        region=values["MALL_S3_REGION"],
        bucket=values["MALL_S3_BUCKET"],
        access_key=values["MALL_S3_ACCESS_KEY"],
        secret_key=values["MALL_S3_SECRET_KEY"],
    )


def _kuaidi100(values: Mapping[str, str]) -> Kuaidi100Settings:
    return Kuaidi100Settings(
        base=values["KUAIDI100_API_BASE"],
        key=values["KUAIDI100_KEY"],
        customer=values["KUAIDI100_CUSTOMER"],
        callback_url=values["KUAIDI100_CALLBACK_URL"],
        timeout_seconds=_whole(values, "KUAIDI100_TIMEOUT_SECONDS", 1),
    )


def _driver(url: str) -> str:
    """Return the URL with the driver the service uses; only PostgreSQL is served."""
    for prefix in ("postgresql+psycopg://", "postgresql://", "postgres://"):
        if url.startswith(prefix):
            return "postgresql+psycopg://" + url.removeprefix(prefix)
    raise ConfigError("DATABASE_URL must be a postgresql:// URL")
