"""The wire format of API v2: XML, signatures, notices."""

import base64
import hashlib
import hmac
import xml.sax.saxutils as sax
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from defusedxml.ElementTree import fromstring

from mocks.wechatpay.state import HEX, State


class XmlError(Exception):
    """The body is not the flat XML that the API speaks."""


def parse(body: bytes) -> dict[str, str]:
    """Read `<xml>…</xml>` into a flat dict."""
    try:
        root = fromstring(body.decode("utf-8"), forbid_dtd=True)
    except Exception as error:
        raise XmlError(str(error)) from error
    return {child.tag: child.text or "" for child in root}


def render(fields: Mapping[str, Any]) -> bytes:
    """Write fields as the API does, escaping what CDATA cannot carry."""
    parts = ["<xml>"]
    for name, value in fields.items():
        text = str(value)
        if "]]>" in text:
            parts.append(f"<{name}>{sax.escape(text)}</{name}>")
        else:
            parts.append(f"<{name}><![CDATA[{text}]]></{name}>")
    return ("".join(parts) + "</xml>").encode()


def sign(fields: Mapping[str, Any], key: str, sign_type: str = "MD5") -> str:
    """Return the signature over all non-empty fields but `sign`, in ASCII order of their names."""
    pairs = [f"{k}={fields[k]}" for k in sorted(fields) if k != "sign" and str(fields[k]) != ""]
    text = "&".join([*pairs, f"key={key}"]).encode()
    if sign_type == "HMAC-SHA256":
        return hmac.new(key.encode(), text, hashlib.sha256).hexdigest().upper()
    return hashlib.md5(text, usedforsecurity=False).hexdigest().upper()


def is_signed(fields: Mapping[str, str], key: str) -> bool:
    """Tell whether a request carries the signature of our key."""
    wanted = sign(fields, key, fields.get("sign_type") or "MD5")
    return hmac.compare_digest(wanted.encode(), fields.get("sign", "").encode())


def signed(
    state: State, fields: Mapping[str, Any], key: str, sign_type: str = "MD5"
) -> dict[str, Any]:
    """Return the fields with nonce and signature."""
    full = {**fields, "nonce_str": state.number("", 32, HEX)}
    return {**full, "sign": sign(full, key, sign_type)}


def sealed(fields: Mapping[str, Any], key: str) -> str:
    """Return `req_info` of a refund notice: AES-256-ECB under the lower-case MD5 of the key."""
    inner = "".join(f"<{name}><![CDATA[{value}]]></{name}>" for name, value in fields.items())
    adder = padding.PKCS7(128).padder()
    padded = adder.update(f"<root>{inner}</root>".encode()) + adder.finalize()
    secret = hashlib.md5(key.encode(), usedforsecurity=False).hexdigest().encode()
    closer = Cipher(algorithms.AES(secret), modes.ECB()).encryptor()  # noqa: S305 (as WeChat has it)
    return base64.b64encode(closer.update(padded) + closer.finalize()).decode()
