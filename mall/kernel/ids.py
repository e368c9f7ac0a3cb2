"""Identifiers: UUIDv7 for rows, short numbers for people."""

import secrets
from datetime import datetime
from uuid import UUID

from uuid_utils.compat import uuid7

from mall.kernel.clock import BEIJING

# Crockford's alphabet: no I, L, O, U to misread on a printed sheet.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def new_id() -> UUID:
    """Return a time-ordered UUIDv7, made here so that any PostgreSQL from 15 on serves."""
    return uuid7()


def first_id(at: datetime) -> UUID:
    """Return what no id that is made from an instant on is lower than: older rows end there."""
    return UUID(int=int(at.timestamp() * 1000) << 80)


def new_number(prefix: str, at: datetime) -> str:
    """Return a number people can read out: prefix, Beijing date, ten random characters (50 bits)."""
    tail = "".join(ALPHABET[byte & 31] for byte in secrets.token_bytes(10))
    return f"{prefix}{at.astimezone(BEIJING):%y%m%d}{tail}"
