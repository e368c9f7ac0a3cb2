"""The wire format of API v2: XML, signatures, notices."""

import hashlib
import hmac
import secrets
import xml.sax.saxutils as sax
from collections.abc import Mapping
from typing import Any

from defusedxml.ElementTree import fromstring


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


def signed(fields: Mapping[str, Any], key: str, sign_type: str = "MD5") -> dict[str, Any]:
    """Return the fields with nonce and signature."""
    full = {**fields, "nonce_str": secrets.token_hex(16)}
    return {**full, "sign": sign(full, key, sign_type)}
