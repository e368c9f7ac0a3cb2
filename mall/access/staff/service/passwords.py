"""Passwords of staff: which may be chosen, how they are kept."""

import secrets
import threading
from functools import cache
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from mall.access.rules import MAX_PASSWORD, MIN_PASSWORD, PasswordRefused
from mall.kernel.text import wording

COMMON = Path(__file__).parent.parent / "data" / "common_passwords.txt"
HEAD_LINES = 3
# OWASP's second profile: 19 MiB, two passes; keeps a web process under its memory budget.
_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
# One at a time in a process: a burst of sign-ins costs time, not 19 MiB for each thread.
_hashing = threading.Lock()


@cache
def _common() -> frozenset[str]:
    return frozenset(COMMON.read_text(encoding="utf-8").splitlines()[HEAD_LINES:])


@cache
def _nobodys() -> str:
    """Return a hash to verify for whoever has none, so that the time taken tells nothing."""
    return _hasher.hash(secrets.token_urlsafe())


def _is_repeated(password: str) -> bool:
    """Tell whether a password is one short piece again and again."""
    return any(
        password == (password[:size] * len(password))[: len(password)] for size in range(1, 5)
    )


def check(password: str, username: str) -> None:
    """Raise PasswordRefused for one that is too short or long, common, or the user name."""
    plain = password.casefold()
    core = plain.strip("0123456789!@#$%^&*.,_-+ ")
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise PasswordRefused("password", why=wording.name("password_fault", "length"))
    if plain == username or core == username.strip("0123456789._-"):
        raise PasswordRefused("password", why=wording.name("password_fault", "username"))
    if plain in _common() or len(core) < 3 or core in _common() or _is_repeated(plain):
        raise PasswordRefused("password", why=wording.name("password_fault", "common"))


def hash_of(password: str) -> str:
    """Return how a password is kept."""
    with _hashing:
        return _hasher.hash(password)


def fits(stored_hash: str | None, password: str) -> bool:
    """Tell whether a password is the one kept; takes as long where none is."""
    try:
        with _hashing:
            return _hasher.verify(stored_hash or _nobodys(), password) and stored_hash is not None
    except (VerificationError, InvalidHashError):
        return False
