"""The merchants at WeChat Pay: the main one from variables, others from a file."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mall.kernel.settings import MerchantSettings, Secret
from mall.shell.environments import is_strict, is_wechat, judges

DEMO_APPID, DEMO_MCH_ID = "wxd930ea5d5a258f4f", "10000100"
DEMO_PAY_KEY = "192006250b4c09247ec02edce69f6a2d"
DEMO_APIV3_KEY = "demo0apiv3key0of0merchant0000100"
MAIN = "main"
V2, V3 = "v2", "v3"
MAX_MERCHANTS, MAX_FEE_RATE = 50, 1000
KEY_LENGTH = 32

# Name, default in development, what it is.
VARIABLES: tuple[tuple[str, str, str], ...] = (
    ("WECHATPAY_VERSION", V2, "API version the merchant is asked by: v2 or v3"),
    ("WECHATPAY_MCH_ID", DEMO_MCH_ID, "The merchant's number"),
    ("WECHATPAY_API_KEY", DEMO_PAY_KEY, "The merchant's API v2 key, 32 characters"),
    ("WECHATPAY_API_KEY_FILE", "", "The same from a file, one key a line: all are valid"),
    ("WECHATPAY_APIV3_KEY", DEMO_APIV3_KEY, "The merchant's APIv3 key, 32 characters"),
    ("WECHATPAY_APIV3_KEY_FILE", "", "The same from a file, one key a line: all are valid"),
    ("WECHATPAY_CERT_FILE", "", "The merchant's certificate: v3, and refunds of v2"),
    ("WECHATPAY_KEY_FILE", "", "Its private key"),
    ("WECHATPAY_PUBLIC_KEYS_DIR", "", "v3: WeChat's public keys, files named PUB_KEY_ID_….pem"),
    ("WECHATPAY_FEE_RATE", "60", "What WeChat keeps, in ten-thousandths; 60 is 0.60 %"),
    ("WECHATPAY_NOTIFY_URL", "http://127.0.0.1:8000/v1/webhooks/wechat/pay", "Where notices go"),
    (
        "WECHATPAY_REFUND_NOTIFY_URL",
        "http://127.0.0.1:8000/v1/webhooks/wechat/refund",
        "Where notices of refunds go",
    ),
    ("WECHATPAY_TIMEOUT_SECONDS", "5", "Time-out of every call to WeChat"),
    ("WECHATPAY_MERCHANTS_FILE", "", "More merchants, for unions of their own (TOML)"),
)
# What a merchant of the file may say; the rest is as the main one's.
FILE_KEYS = {
    *("name", "version", "mch_id", "appid", "unions", "fee_rate", "api_key_file"),
    *("apiv3_key_file", "cert_file", "key_file", "public_keys_dir"),
}


class MerchantError(Exception):
    """A merchant cannot be used as it is described."""


def whole(values: Mapping[str, str], name: str, least: int, most: int | None = None) -> int:
    """Return a variable as a whole number within limits; raises MerchantError."""
    try:
        number = int(values[name])
    except ValueError as error:
        raise MerchantError(f"{name} must be a whole number, not {values[name]!r}") from error
    if number < least or (most is not None and number > most):
        limit = f"at least {least}" if most is None else f"{least} to {most}"
        raise MerchantError(f"{name} must be {limit}, not {number}")
    return number


def _secret(text: str, file: str) -> Secret:
    return Secret("", Path(file)) if file else Secret(text)


def read(values: Mapping[str, str], base: str, env: str) -> tuple[MerchantSettings, ...]:
    """Return the merchants, the main one first; raises MerchantError."""
    version = _version(values["WECHATPAY_VERSION"])
    keys = {V2: values["WECHATPAY_API_KEY"], V3: values["WECHATPAY_APIV3_KEY"]}
    if judges(env, is_wechat(base)) and keys[_other_version(version)] in (
        DEMO_PAY_KEY,
        DEMO_APIV3_KEY,
    ):
        # Nobody named it: the version that is not asked has no key, certainly not a known one.
        keys[_other_version(version)] = ""
    main = MerchantSettings(
        name=MAIN,
        version=version,
        mch_id=values["WECHATPAY_MCH_ID"],
        appid=values["WECHAT_APPID"],
        base=base,
        notify_url=values["WECHATPAY_NOTIFY_URL"],
        refund_notify_url=values["WECHATPAY_REFUND_NOTIFY_URL"],
        timeout_seconds=whole(values, "WECHATPAY_TIMEOUT_SECONDS", 1),
        fee_rate=whole(values, "WECHATPAY_FEE_RATE", 0, MAX_FEE_RATE),
        unions=frozenset(),
        api_key=_secret(keys[V2], values["WECHATPAY_API_KEY_FILE"]),
        apiv3_key=_secret(keys[V3], values["WECHATPAY_APIV3_KEY_FILE"]),
        cert_file=values["WECHATPAY_CERT_FILE"],
        key_file=values["WECHATPAY_KEY_FILE"],
        public_keys_dir=values["WECHATPAY_PUBLIC_KEYS_DIR"],
    )
    others = _others(values["WECHATPAY_MERCHANTS_FILE"], main)
    names = [each.name for each in (main, *others)]
    if len(set(names)) != len(names):
        raise MerchantError("two merchants have the same name")
    return (main, *others)


def _other_version(version: str) -> str:
    return V3 if version == V2 else V2


def _version(text: str) -> str:
    if text not in (V2, V3):
        raise MerchantError(f"the version of the pay API is v2 or v3, not {text!r}")
    return text


def _others(file: str, main: MerchantSettings) -> list[MerchantSettings]:
    if not file:
        return []
    path = Path(file)
    try:
        described = tomllib.loads(path.read_text(encoding="utf-8")).get("merchant", [])
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise MerchantError(f"WECHATPAY_MERCHANTS_FILE {file} cannot be read: {error}") from error
    if len(described) > MAX_MERCHANTS:
        raise MerchantError(f"more than {MAX_MERCHANTS} merchants")
    return [_other(each, main, path.parent) for each in described]


def _other(told: dict[str, Any], main: MerchantSettings, folder: Path) -> MerchantSettings:
    unknown = set(told) - FILE_KEYS
    missing = {"name", "mch_id"} - set(told)
    if unknown or missing:
        wrong = ", ".join(sorted(unknown | missing))
        raise MerchantError(f"a merchant's keys are unknown or missing: {wrong}")
    name = str(told["name"])
    if not name.isascii() or not name.replace("-", "").isalnum() or name in ("pay", "refund"):
        raise MerchantError(f"a merchant's name is of letters, digits and hyphens, not {name!r}")

    def path(key: str) -> str:
        return str(folder / told[key]) if told.get(key) else ""

    return MerchantSettings(
        name=name,
        version=_version(str(told.get("version", main.version))),
        mch_id=str(told["mch_id"]),
        appid=str(told.get("appid", main.appid)),
        base=main.base,
        notify_url=_own_url(main.notify_url, name),
        refund_notify_url=_own_url(main.refund_notify_url, name),
        timeout_seconds=main.timeout_seconds,
        fee_rate=int(told.get("fee_rate", main.fee_rate)),
        unions=frozenset(str(each) for each in told.get("unions", [])),
        api_key=_secret("", path("api_key_file")),
        apiv3_key=_secret("", path("apiv3_key_file")),
        cert_file=path("cert_file"),
        key_file=path("key_file"),
        public_keys_dir=path("public_keys_dir"),
    )


def _own_url(url: str, name: str) -> str:
    base, _, last = url.rpartition("/")
    return f"{base}/{name}/{last}"


def problems(merchant: MerchantSettings, env: str) -> list[str]:
    """Return what keeps a merchant from being used, each with the name of what is wrong."""
    about = "" if merchant.name == MAIN else f" of merchant {merchant.name}"
    found = []
    secrets = {"WECHATPAY_API_KEY": merchant.api_key, "WECHATPAY_APIV3_KEY": merchant.apiv3_key}
    needed = "WECHATPAY_API_KEY" if merchant.version == V2 else "WECHATPAY_APIV3_KEY"
    for name, secret in secrets.items():
        try:
            values = secret.values()
        except OSError:
            found.append(f"{name}_FILE{about} cannot be read")
            continue
        if name == needed and not values:
            found.append(f"{name}{about} is not set")
        if any(len(value) != KEY_LENGTH for value in values):
            found.append(f"{name}{about} is not {KEY_LENGTH} characters long")
    if is_strict(env) or merchant.version == V3:
        for name, file in (
            ("WECHATPAY_CERT_FILE", merchant.cert_file),
            ("WECHATPAY_KEY_FILE", merchant.key_file),
        ):
            if not file or not Path(file).is_file():
                found.append(f"{name}{about} names no file")
    if merchant.version == V3 and not list(Path(merchant.public_keys_dir or "/").glob("PUB_*.pem")):
        found.append(f"WECHATPAY_PUBLIC_KEYS_DIR{about} holds no PUB_KEY_ID_….pem")
    is_judged = judges(env, is_wechat(merchant.base))
    return found + (_dangers(merchant, about, needed) if is_judged else [])


def _dangers(merchant: MerchantSettings, about: str, needed: str) -> list[str]:
    demo = {
        "WECHAT_APPID": (merchant.appid, DEMO_APPID),
        "WECHATPAY_MCH_ID": (merchant.mch_id, DEMO_MCH_ID),
    }
    found = [f"{name}{about} is the demo's" for name, (is_, bad) in demo.items() if is_ == bad]
    if needed == "WECHATPAY_API_KEY" and DEMO_PAY_KEY in _values(merchant.api_key):
        found.append(f"WECHATPAY_API_KEY{about} is the demo's")
    if needed == "WECHATPAY_APIV3_KEY" and DEMO_APIV3_KEY in _values(merchant.apiv3_key):
        found.append(f"WECHATPAY_APIV3_KEY{about} is the demo's")
    urls = {
        "WECHATPAY_NOTIFY_URL": merchant.notify_url,
        "WECHATPAY_REFUND_NOTIFY_URL": merchant.refund_notify_url,
    }
    return found + [f"{n}{about} must be https" for n, u in urls.items() if not _is_https(u)]


def _values(secret: Secret) -> tuple[str, ...]:
    try:
        return secret.values()
    except OSError:
        return ()


def _is_https(url: str) -> bool:
    return urlsplit(url).scheme == "https"
