"""The wire format of API v3: RSA signatures over requests, answers and notices; sealed resources."""

import base64
import re
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256

from mocks.wechatpay.fixture_files import Merchant
from mocks.wechatpay.state import State

SCHEME = "WECHATPAY2-SHA256-RSA2048"
MAX_AGE_SECONDS = 300
_PART = re.compile(r'(\w+)="([^"]*)"')


def sign(key: RSAPrivateKey, *parts: str) -> str:
    """Return the signature over these lines."""
    text = "".join(f"{part}\n" for part in parts)
    return base64.b64encode(key.sign(text.encode(), PKCS1v15(), SHA256())).decode()


def authorization_error(
    state: State, header: str, method: str, path: str, body: str
) -> str | Merchant:
    """Return the merchant whose request this is, or what is wrong with its signature."""
    scheme, _, rest = header.partition(" ")
    parts = dict(_PART.findall(rest))
    if scheme != SCHEME or not {"mchid", "nonce_str", "signature", "timestamp", "serial_no"} <= set(
        parts
    ):
        return "Authorization头缺失或格式错误"
    merchant = state.merchants.get(parts["mchid"])
    if merchant is None:
        return "商户号不存在"
    if parts["serial_no"].upper() != merchant.serial_no:
        return "商户证书序列号有误"
    if not parts["timestamp"].isdigit():
        return "时间戳格式错误"
    if abs(int(parts["timestamp"]) - state.now().timestamp()) > MAX_AGE_SECONDS:
        return "时间戳已过期"
    text = f"{method}\n{path}\n{parts['timestamp']}\n{parts['nonce_str']}\n{body}\n"
    try:
        signature = base64.b64decode(parts["signature"], validate=True)
        merchant.public_key.verify(signature, text.encode(), PKCS1v15(), SHA256())
    except (ValueError, InvalidSignature):
        return "签名错误，请检查后再试"
    return merchant


def headers(state: State, body: str, how: Mapping[str, Any]) -> dict[str, str]:
    """Return the headers that sign a message of ours, tampered with as `how` says.

    `key_id`: sign as that platform key; `key`: "other" signs with another key under that id;
    `age_seconds`: an old timestamp; `drop_signature`: none at all.
    """
    key_id = str(how.get("key_id", state.platform_key_id))
    key = state.fixtures.platform_keys.get(key_id, state.fixtures.certificate_key)
    if how.get("key") == "other":
        key = state.fixtures.certificate_key
    timestamp = str(int(state.now().timestamp()) - int(how.get("age_seconds", 0)))
    nonce = state.number("", 32)
    signed = {
        "Wechatpay-Timestamp": timestamp,
        "Wechatpay-Nonce": nonce,
        "Wechatpay-Serial": key_id,
        "Wechatpay-Signature": sign(key, timestamp, nonce, body),
        "Wechatpay-Signature-Type": SCHEME,
    }
    if how.get("drop_signature"):
        del signed["Wechatpay-Signature"]
    return signed


def sealed(state: State, text: str, apiv3_key: str, about: str) -> dict[str, str]:
    """Return a resource encrypted under the merchant's APIv3 key."""
    nonce = state.number("", 12)
    cipher = AESGCM(apiv3_key.encode()).encrypt(nonce.encode(), text.encode(), about.encode())
    return {
        "algorithm": "AEAD_AES_256_GCM",
        "ciphertext": base64.b64encode(cipher).decode(),
        "associated_data": about,
        "nonce": nonce,
        "original_type": about,
    }
