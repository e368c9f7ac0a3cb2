"""What of an act is written down: bounded, and without what nobody may read."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import orjson

from mall.kernel.errors import DomainError

MAX_BYTES, MAX_TEXT, MAX_ITEMS, MAX_DEPTH, MAX_ROWS = 4096, 200, 20, 6, 20
MAX_BITS = 63
MAX_EXPORT, MAX_SPAN = 10_000, timedelta(days=92)
HIDDEN = "***"
# Whole words of a name: `password_hash`, `api_key`, but not `sku_id`.
_SECRET = re.compile(r"(^|_)(password|secret|token|totp|code|codes|key|hash|openid)$|_hash$|^hash")
_PARTLY = re.compile(r"(^|_)(account_number|real_name|id_number|phone)$")
_KNOWN_CODES = ("region_code", "origin_region_code", "union_code", "sku_code")
_PHONE = re.compile(r"(?<!\d)(1[3-9]\d)\d{4}(\d{4})(?!\d)")


class JournalTooLong(DomainError):
    code = "journal_too_long"


def storable(value: str) -> str:
    """Return text without what cannot be stored: NUL, and half a pair of surrogates."""
    return value.replace("\x00", "").encode("utf-8", "replace").decode()


def _text(name: str, value: str) -> str:
    if _SECRET.search(name) and name not in _KNOWN_CODES:
        return HIDDEN
    if _PARTLY.search(name):
        return f"{value[:1]}{HIDDEN}" if name.endswith("name") else f"{HIDDEN}{value[-4:]}"
    return _PHONE.sub(r"\1****\2", value[:MAX_TEXT])


def _masked(name: str, value: Any, depth: int) -> Any:
    if isinstance(value, int) and value.bit_length() > MAX_BITS:
        return f"a number of {value.bit_length()} bits"
    if value is None or isinstance(value, (bool, int, float)):
        return HIDDEN if _SECRET.search(name) and value is not None else value
    if depth >= MAX_DEPTH:
        return "…"
    if isinstance(value, Mapping):
        kept = list(value.items())[: 2 * MAX_ITEMS]
        return {storable(str(key)[:80]): _masked(str(key), each, depth + 1) for key, each in kept}
    if isinstance(value, (list, tuple, set, frozenset)):
        items = list(value)
        more = [f"… {len(items)}"] if len(items) > MAX_ITEMS else []
        return [_masked(name, each, depth + 1) for each in items[:MAX_ITEMS]] + more
    if isinstance(value, (bytes, memoryview)):
        return f"{len(value)} bytes"
    return _text(name, storable(str(value)))


def written(value: Any) -> Any:
    """Return a value as it is written down: masked, and cut where it is too large."""
    found = _masked("", value, 0)
    encoded = orjson.dumps(found, default=str)
    if len(encoded) <= MAX_BYTES:
        return orjson.loads(encoded)
    return {"cut": encoded[: MAX_BYTES // 2].decode("utf-8", "ignore")}
