"""What is refused in production, and why."""

import subprocess

import pytest

from mall.kernel.settings import STAGING_MARK
from mall.shell import config, merchants
from mall.shell.app import create_app
from tests.support.processes import DEVTOOLS, MALL


@pytest.fixture
def production(tmp_path):
    """A production environment with nothing wrong in it."""
    for name in ("cert.pem", "key.pem"):
        (tmp_path / name).write_text("x", encoding="utf-8")
    return {
        "MALL_ENV": "production",
        "MALL_SECRET_KEY": "s" * 32,
        "DATABASE_URL": "postgresql://db/mall",
        "REDIS_URL": "redis://valkey/0",
        "WECHAT_APPID": "wx1234567890abcdef",
        "WECHAT_APP_SECRET": "real-secret",
        "WECHATPAY_MCH_ID": "1900000001",
        "WECHATPAY_API_KEY": "k" * 32,
        "WECHAT_TEMPLATE_GIFT": "gift-template",
        "WECHAT_TEMPLATE_REMINDER": "reminder-template",
        "WECHATPAY_CERT_FILE": str(tmp_path / "cert.pem"),
        "WECHATPAY_KEY_FILE": str(tmp_path / "key.pem"),
        "WECHATPAY_NOTIFY_URL": "https://mall.example/v1/webhooks/wechat/pay",
        "WECHATPAY_REFUND_NOTIFY_URL": "https://mall.example/v1/webhooks/wechat/refund",
        "MALL_MEDIA_DIR": "/var/lib/mall/media",
        "MALL_INDEX_DIR": "/var/lib/mall/index",
    }


@pytest.fixture
def staging(production):
    """The same with gateways that are mocks, which know the demo's merchant only."""
    gateways = {
        "MALL_ENV": "staging",
        "WECHATPAY_API_BASE": "https://mock.example:12112",
        "WECHATPAY_NOTIFY_URL": "http://mall.example/v1/webhooks/wechat/pay",
        "KUAIDI100_KEY": "demo-kuaidi100-key",
        "KUAIDI100_API_BASE": "http://mock.example:12113",
    }
    given = {
        name: value
        for name, value in (production | gateways).items()
        if name
        not in ("WECHAT_APPID", "WECHAT_APP_SECRET", "WECHATPAY_MCH_ID", "WECHATPAY_API_KEY")
    }
    return {name: value for name, value in given.items() if "TEMPLATE" not in name}


def test_a_right_production_environment_is_taken(production):
    settings = config.load(production)
    assert settings.env == "production"
    assert settings.wechat.merchants[0].base == "https://api.mch.weixin.qq.com"
    assert settings.wechat.login_base == "https://api.weixin.qq.com"
    assert settings.database_url == "postgresql+psycopg://db/mall"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MALL_DEBUG", "1"),
        ("MALL_SECRET_KEY", config.DEMO_SECRET_KEY),
        ("MALL_SECRET_KEY", "short"),
        ("WECHAT_APPID", merchants.DEMO_APPID),
        ("WECHAT_APP_SECRET", config.DEMO_APP_SECRET),
        ("WECHATPAY_MCH_ID", merchants.DEMO_MCH_ID),
        ("WECHATPAY_API_KEY", merchants.DEMO_PAY_KEY),
        ("WECHATPAY_API_BASE", "http://127.0.0.1:12111"),
        ("WEIXIN_API_BASE", "https://api.weixin.qq.com.evil.example"),
        ("WECHATPAY_API_BASE", "http://api.mch.weixin.qq.com"),
        ("WECHATPAY_NOTIFY_URL", "http://mall.example/v1/webhooks/wechat/pay"),
        ("WECHATPAY_REFUND_NOTIFY_URL", "http://mall.example/v1/webhooks/wechat/refund"),
        ("WECHATPAY_CERT_FILE", "/nowhere/cert.pem"),
        ("WECHATPAY_KEY_FILE", ""),
        ("DATABASE_URL", ""),
        ("REDIS_URL", ""),
        ("MALL_MEDIA_DIR", "var/media"),
        ("MALL_INDEX_DIR", "var/index"),
    ],
)
def test_each_danger_is_refused_by_name(production, name, value):
    with pytest.raises(config.ConfigError, match="refused to start") as refused:
        config.load(production | {name: value})
    assert (value and value in str(refused.value)) or name in str(refused.value)


def test_staging_takes_mocks_and_the_only_merchant_they_know(staging):
    settings = config.load(staging)
    assert (settings.is_staging, settings.is_development) == (True, False)
    assert settings.wechat.merchants[0].base == "https://mock.example:12112"
    assert (settings.totp_required, settings.persons_confirmed) == (True, True)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MALL_DEBUG", "1"),
        ("MALL_SECRET_KEY", config.DEMO_SECRET_KEY),
        ("MALL_INDEX_DIR", "index"),
        ("WECHATPAY_CERT_FILE", "/nowhere/cert.pem"),
        # A real gateway is judged as in production, with whatever belongs to it.
        ("WEIXIN_API_BASE", "https://api.weixin.qq.com"),
        ("WECHATPAY_API_BASE", "https://api.mch.weixin.qq.com"),
        ("KUAIDI100_API_BASE", "https://poll.kuaidi100.com"),
    ],
)
def test_staging_refuses_what_production_refuses_but_for_mocks(staging, name, value):
    with pytest.raises(config.ConfigError, match="refused to start"):
        config.load(staging | {name: value})


def test_a_staging_mall_says_so_in_every_reply_on_every_page_and_in_its_document(
    staging, environment
):
    engines = {name: environment[name] for name in ("DATABASE_URL", "REDIS_URL")}
    given = staging | engines | {"MALL_PUBLIC_DOCS": "1"}
    client = create_app(config.load(given)).test_client()
    for path in ("/docs", "/openapi.json", "/healthz", "/v1/store/me", "/nowhere"):
        assert client.get(path).headers["X-Mall-Environment"] == "staging"
    assert STAGING_MARK in client.get("/docs").text
    assert client.get("/openapi.json").get_json()["info"]["title"].endswith("(staging)")


def test_a_development_mall_says_nothing_of_staging(world):
    reply = world.app.test_client().get("/docs")
    assert ("X-Mall-Environment" in reply.headers, STAGING_MARK in reply.text) == (False, False)


def test_a_stand_in_of_kuaidi100_is_refused(production):
    given = {
        **production,
        "KUAIDI100_KEY": "key",
        "KUAIDI100_CUSTOMER": "customer",
        "KUAIDI100_CALLBACK_URL": "https://mall.example/v1/webhooks/kuaidi100",
    }
    assert config.load(given).kuaidi100.is_configured
    for name, value in (
        ("KUAIDI100_API_BASE", "http://127.0.0.1:12113"),
        ("KUAIDI100_CALLBACK_URL", "http://mall.example/v1/webhooks/kuaidi100"),
        ("KUAIDI100_CUSTOMER", ""),
    ):
        with pytest.raises(config.ConfigError, match="refused to start") as refused:
            config.load(given | {name: value})
        assert name in str(refused.value)


def test_a_bucket_without_its_keys_is_refused(production):
    with pytest.raises(config.ConfigError, match="MALL_S3_SECRET_KEY is not set"):
        config.load(production | {"MALL_S3_BUCKET": "mall", "MALL_S3_ACCESS_KEY": "key"})
    keys = {"MALL_S3_ACCESS_KEY": "key", "MALL_S3_SECRET_KEY": "secret"}
    assert config.load(production | {"MALL_S3_BUCKET": "mall", **keys}).s3.bucket == "mall"


def test_every_reason_is_named_at_once():
    with pytest.raises(config.ConfigError) as refused:
        config.load({"MALL_ENV": "production"})
    for name in ("DATABASE_URL", "REDIS_URL", "MALL_SECRET_KEY", "WECHATPAY_API_KEY"):
        assert name in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MALL_ENV", "live"),
        ("DATABASE_URL", "mysql://db/mall"),
        ("MALL_TOKEN_TTL_SECONDS", "soon"),
        ("MALL_PAYMENT_TIMEOUT_SECONDS", "5"),
        ("MALL_IDEMPOTENCY_TTL_SECONDS", "3600"),
        ("MALL_LOG_LEVEL", "LOUD"),
    ],
)
def test_nonsense_is_refused_in_development_too(name, value):
    given = {"DATABASE_URL": "postgresql://db/mall", "REDIS_URL": "redis://x", name: value}
    with pytest.raises(config.ConfigError):
        config.load(given)


def test_the_demo_is_never_seeded_in_production(production, environment):
    given = {"PATH": "", **production, "DATABASE_URL": environment["DATABASE_URL"]}
    done = subprocess.run(
        [*DEVTOOLS, "demo"], env=given, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, "known to everybody" in done.stderr) == (1, True)


@pytest.mark.parametrize("command", ["serve", "worker", "scheduler", "migrate", "audit"])
def test_every_process_refuses_demo_secrets_in_production(command, environment, tmp_path):
    done = subprocess.run(
        [MALL, command],
        cwd=tmp_path,
        env={"PATH": "", "MALL_ENV": "production", **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert "refused to start" in done.stderr
    assert "MALL_SECRET_KEY" in done.stderr
    assert "Traceback" not in done.stderr
