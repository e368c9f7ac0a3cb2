"""Lists that were begun: whoever turns the page sees the rest of what the first page came from.

Kept in Valkey, not in a process: the next page may be asked of another one. There are so many
places, used again and again, so that lists never take more than some 64 MB.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

import structlog
from redis import Redis, RedisError

from search_index import rules

log = structlog.get_logger(__name__)
PLACES, SECONDS = 4096, 600
_BYTES = 16


@dataclass(frozen=True)
class ResultList:
    """The products of a list in their order, and how many were found in all."""

    product_ids: tuple[UUID, ...]
    total: int


class Lists(Protocol):
    """Where lists are kept."""

    def keep(self, question: str, listed: ResultList) -> str:
        """Keep a list; return by what it is asked for, nothing where it cannot be kept."""

    def find(self, key: str) -> ResultList | None:
        """Return a list; None where it is gone."""


class NoLists:
    """Keeps nothing: a cursor continues by its place in the order alone."""

    def keep(self, question: str, listed: ResultList) -> str:
        return ""

    def find(self, key: str) -> ResultList | None:
        return None


class ValkeyLists:
    """Lists in Valkey; without it pages continue by their place in the order."""

    def __init__(self, connection: Redis) -> None:
        self._connection = connection

    def keep(self, question: str, listed: ResultList) -> str:
        ids = b"".join(each.bytes for each in listed.product_ids[: rules.MAX_DEPTH])
        key = hashlib.blake2b(question.encode() + ids, digest_size=12).hexdigest()
        kept = b"%s%08x%s" % (key.encode(), listed.total, ids)
        try:
            self._connection.set(_place(key), kept, ex=SECONDS)
        except RedisError:
            log.warning("list_not_kept", exc_info=True)
            return ""
        return key

    def find(self, key: str) -> ResultList | None:
        try:
            kept = self._connection.get(_place(key))
        except RedisError:
            log.warning("list_not_found", exc_info=True)
            return None
        if not isinstance(kept, bytes) or not kept.startswith(key.encode()):
            return None
        ids = kept[len(key) + 8 :]
        found = (UUID(bytes=ids[at : at + _BYTES]) for at in range(0, len(ids), _BYTES))
        return ResultList(tuple(found), int(kept[len(key) : len(key) + 8], 16))


def _place(key: str) -> str:
    return f"search:list:{int(key[:6], 16) % PLACES}"


def product_ids(ids: Sequence[UUID | None]) -> tuple[UUID, ...]:
    """Return the ids of documents that are there."""
    return tuple(each for each in ids if each is not None)
