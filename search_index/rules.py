"""What a search means: normalized terms, and the cursor that continues a listing."""

import base64
import binascii
import unicodedata
from uuid import UUID

from mall.kernel.errors import Invalid

MAX_QUERY, MAX_TERMS = 200, 8


def terms(query: str) -> tuple[str, ...]:
    """Split a query into lower-case, half-width terms; punctuation alone searches nothing."""
    text = unicodedata.normalize("NFKC", query[:MAX_QUERY]).casefold()
    words = "".join(c if c.isalnum() else " " for c in text).split()
    return tuple(dict.fromkeys(words))[:MAX_TERMS]


def encode_cursor(price_fen: int, product_id: UUID) -> str:
    """Return the opaque text from which the next page continues."""
    return base64.urlsafe_b64encode(f"{price_fen}:{product_id.hex}".encode()).decode()


def decode_cursor(cursor: str) -> tuple[int, UUID]:
    """Read a cursor back; raise Invalid for text that is none of ours."""
    try:
        price, _, key = base64.urlsafe_b64decode(cursor.encode()).decode().partition(":")
        return int(price), UUID(key)
    except (ValueError, binascii.Error) as error:
        raise Invalid("cursor", "翻页标记无效。", "The cursor is not one of ours.") from error
