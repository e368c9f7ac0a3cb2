"""Merchants and their keys: what is taken, and what is refused by name."""

import pytest

from mall.kernel.settings import Secret, WatchedFile
from mall.shell import config, merchants

DEVELOPMENT = {"DATABASE_URL": "postgresql://db/mall", "REDIS_URL": "redis://x"}


@pytest.fixture
def production(tmp_path):
    """A production environment that speaks API v3, with nothing wrong in it."""
    for name in ("cert.pem", "key.pem"):
        (tmp_path / name).write_text("x", encoding="utf-8")
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "PUB_KEY_ID_1.pem").write_text("x", encoding="utf-8")
    return {
        **DEVELOPMENT,
        "MALL_ENV": "production",
        "MALL_SECRET_KEY": "s" * 32,
        "WECHAT_APPID": "wx1234567890abcdef",
        "WECHAT_APP_SECRET": "real-secret",
        "WECHAT_TEMPLATE_GIFT": "gift-template",
        "WECHAT_TEMPLATE_REMINDER": "reminder-template",
        "WECHATPAY_VERSION": "v3",
        "WECHATPAY_MCH_ID": "1900000001",
        "WECHATPAY_APIV3_KEY": "k" * 32,
        "WECHATPAY_CERT_FILE": str(tmp_path / "cert.pem"),
        "WECHATPAY_KEY_FILE": str(tmp_path / "key.pem"),
        "WECHATPAY_PUBLIC_KEYS_DIR": str(tmp_path / "keys"),
        "WECHATPAY_NOTIFY_URL": "https://mall.example/v1/webhooks/wechat/pay",
        "WECHATPAY_REFUND_NOTIFY_URL": "https://mall.example/v1/webhooks/wechat/refund",
        "MALL_MEDIA_DIR": "/var/lib/mall/media",
        "MALL_INDEX_DIR": "/var/lib/mall/index",
    }


def test_the_other_version_has_no_key_where_nobody_named_one(production):
    [main] = config.load(production).wechat.merchants
    assert (main.version, main.api_key.values()) == ("v3", ())
    assert main.apiv3_key.values() == ("k" * 32,)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WECHATPAY_APIV3_KEY", merchants.DEMO_APIV3_KEY),
        ("WECHATPAY_APIV3_KEY", "short"),
        ("WECHATPAY_APIV3_KEY_FILE", "/nowhere/key"),
        ("WECHATPAY_PUBLIC_KEYS_DIR", "/nowhere"),
        ("WECHATPAY_CERT_FILE", ""),
        ("WECHATPAY_KEY_FILE", "/nowhere/key.pem"),
        ("WECHATPAY_MCH_ID", merchants.DEMO_MCH_ID),
        ("WECHATPAY_NOTIFY_URL", "http://mall.example/v1/webhooks/wechat/pay"),
    ],
)
def test_each_danger_of_v3_is_refused_by_name(production, name, value):
    with pytest.raises(config.ConfigError, match=f"refused to start.*{name.removesuffix('_FILE')}"):
        config.load(production | {name: value})


@pytest.mark.parametrize(
    ("name", "value"), [("WECHATPAY_VERSION", "v4"), ("WECHATPAY_FEE_RATE", "1001")]
)
def test_nonsense_is_refused_in_development_too(name, value):
    with pytest.raises(config.ConfigError, match=r"v4|WECHATPAY_FEE_RATE"):
        config.load({**DEVELOPMENT, name: value})


@pytest.mark.parametrize(
    ("toml", "reason"),
    [
        ("[[merchant]]\nname = 'a'\n", "unknown or missing: mch_id"),
        ("[[merchant]]\nname = 'a'\nmch_id = '1'\nkey = '2'\n", "unknown or missing: key"),
        ("[[merchant]]\nname = 'a b'\nmch_id = '1'\n", "letters, digits and hyphens"),
        ("[[merchant]]\nname = 'pay'\nmch_id = '1'\n", "letters, digits and hyphens"),
        ("[[merchant]]\nname = 'main'\nmch_id = '1'\n", "the same name"),
        ("[[merchant]]\nname = 'a'\nmch_id = '1'\nversion = 'v1'\n", "v2 or v3"),
        ("[[merchant]]\nname = 'a'\nmch_id = '1'\n", "WECHATPAY_API_KEY of merchant a is not set"),
        ("[[merchant", "cannot be read"),
    ],
)
def test_a_merchant_that_cannot_be_used_is_refused_with_the_reason(tmp_path, toml, reason):
    file = tmp_path / "merchants.toml"
    file.write_text(toml, encoding="utf-8")
    with pytest.raises(config.ConfigError, match=reason):
        config.load({**DEVELOPMENT, "WECHATPAY_MERCHANTS_FILE": str(file)})


def test_a_merchant_of_the_file_has_addresses_and_keys_of_its_own(tmp_path):
    (tmp_path / "key").write_text("n" * 32 + "\n" + "o" * 32 + "\n", encoding="utf-8")
    file = tmp_path / "merchants.toml"
    file.write_text(
        "[[merchant]]\nname = 'customs'\nmch_id = '1'\nunions = ['440800-1']\nfee_rate = 38\n"
        "api_key_file = 'key'\n",
        encoding="utf-8",
    )
    settings = config.load({**DEVELOPMENT, "WECHATPAY_MERCHANTS_FILE": str(file)})
    _, customs = settings.wechat.merchants
    assert customs.notify_url.endswith("/v1/webhooks/wechat/customs/pay")
    assert customs.refund_notify_url.endswith("/v1/webhooks/wechat/customs/refund")
    assert (customs.unions, customs.fee_rate) == (frozenset(["440800-1"]), 38)
    assert customs.api_key.values() == ("n" * 32, "o" * 32)


def test_a_file_is_read_again_when_it_changes_and_its_last_text_kept_when_it_is_gone(tmp_path):
    file = tmp_path / "key"
    watched = WatchedFile(file)
    with pytest.raises(FileNotFoundError):
        watched.text()
    file.write_text("one", encoding="utf-8")
    assert watched.text() == "one"
    file.write_text("another", encoding="utf-8")
    assert watched.text() == "another"
    file.unlink()
    assert watched.text() == "another"


def test_a_secret_never_shows_itself(tmp_path):
    assert "hidden" not in repr(Secret("hidden"))
    assert "hidden" not in f"{[Secret('hidden')]}"
