"""In which environment a process is, and what each refuses (docs/adr/0038)."""

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

DEVELOPMENT, STAGING, PRODUCTION = "development", "staging", "production"
ENVIRONMENTS = (DEVELOPMENT, STAGING, PRODUCTION)
DEMO_SECRET_KEY = "demo-secret-key"  # noqa: S105
DEMO_APP_SECRET = "demo-app-secret"  # noqa: S105
DEMO_TEMPLATES = {
    "WECHAT_TEMPLATE_GIFT": "demo-template-gift",
    "WECHAT_TEMPLATE_REMINDER": "demo-template-reminder",
}
KUAIDI100 = "https://poll.kuaidi100.com"
WECHAT_PAY, WECHAT_LOGIN = "https://api.mch.weixin.qq.com", "https://api.weixin.qq.com"


def is_wechat(base: str) -> bool:
    """Tell whether a base is one of WeChat's own."""
    parts = urlsplit(base)
    return parts.scheme == "https" and (parts.hostname or "").endswith(".weixin.qq.com")


def is_strict(env: str) -> bool:
    """Tell whether whatever is only good for development is refused."""
    return env != DEVELOPMENT


def judges(env: str, is_real: bool) -> bool:
    """Tell whether what belongs to a gateway is judged: a mock knows the demo's keys only.

    Production judges everything: what is no real gateway is refused there anyway.
    """
    return env == PRODUCTION or (env == STAGING and is_real)


def problems(env: str, values: Mapping[str, str], bases: tuple[str, str]) -> list[str]:
    """Return why these values cannot be used; `bases` are those of the pay API and of the login."""
    if not is_strict(env):
        return []
    found = []
    if values["MALL_DEBUG"] == "1":
        found.append("MALL_DEBUG=1 shows the inside of the service")
    if values["MALL_SECRET_KEY"] == DEMO_SECRET_KEY or len(values["MALL_SECRET_KEY"]) < 32:
        found.append("MALL_SECRET_KEY is the demo's, or shorter than 32 characters")
    public = values["MALL_PUBLIC_URL"]
    if env == PRODUCTION and public and not public.startswith("https://"):
        found.append("MALL_PUBLIC_URL is no https address")
    return [
        *found,
        *_relative_folders(values),
        *_wechat(env, values, bases),
        *_kuaidi100(env, values),
    ]


def _relative_folders(values: Mapping[str, str]) -> list[str]:
    names = ["MALL_INDEX_DIR"] if values["MALL_S3_BUCKET"] else ["MALL_MEDIA_DIR", "MALL_INDEX_DIR"]
    return [
        f"{name} is {values[name]}: give an absolute folder, the same for every process"
        for name in names
        if not Path(values[name]).is_absolute()
    ]


def _wechat(env: str, values: Mapping[str, str], bases: tuple[str, str]) -> list[str]:
    found = []
    if judges(env, is_wechat(bases[1])):
        demo = {"WECHAT_APP_SECRET": DEMO_APP_SECRET, **DEMO_TEMPLATES}
        found += [f"{name} is the demo's" for name, text in demo.items() if values[name] == text]
    if env == PRODUCTION:
        found += [
            f"{base} is not WeChat: a mock base never goes into production"
            for base in sorted(set(bases))
            if not is_wechat(base)
        ]
    return found


def _kuaidi100(env: str, values: Mapping[str, str]) -> list[str]:
    base = values["KUAIDI100_API_BASE"]
    if not values["KUAIDI100_KEY"] or not judges(env, base == KUAIDI100):
        return []
    found = []
    if base != KUAIDI100:
        found.append(f"KUAIDI100_API_BASE is {base}, not {KUAIDI100}")
    if not values["KUAIDI100_CALLBACK_URL"].startswith("https://"):
        found.append("KUAIDI100_CALLBACK_URL is no https address")
    if not values["KUAIDI100_CUSTOMER"]:
        found.append("KUAIDI100_CUSTOMER is not set")
    return found
