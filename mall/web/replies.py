"""Replies as JSON, once and for all: fresh, remembered for a key, or kept for a moment."""

import hashlib
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeVar
from uuid import UUID

import orjson
from flask import Response, g, request

from mall.kernel import clock
from mall.kernel.db import current_pool
from mall.kernel.errors import DomainError, Invalid, VersionConflict
from mall.kernel.together import Read, read_together
from mall.kernel.uow import unit_of_work
from mall.web import idempotency

View = TypeVar("View", bound=Callable[..., Any])
JSON = "application/json"
MAX_KEY_LENGTH = 128
MAX_VERSION_DIGITS = 18


class Caller(Protocol):
    """Who asks, as the guard left it in `g.principal`."""

    @property
    def name(self) -> str: ...


def _plain(value: Any) -> Any:
    if isinstance(value, (UUID, datetime)):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def to_json(value: Any) -> bytes:
    """Encode a reply."""
    return orjson.dumps(value, default=_plain)


@dataclass(frozen=True)
class Answered:
    """The reply of a use case that itself says with which status it answers."""

    value: Any
    status: int


def reply(told: Answered) -> Response:
    """Return what a use case answered, where no key is needed."""
    return Response(to_json(told.value), told.status, content_type=JSON)


def whole(value: Any) -> Response:
    """Return a reply that has the form of its schema already, as a value or as its JSON text."""
    body = value if isinstance(value, str) else to_json(value)
    return Response(body, content_type=JSON)


def takes_key(view: View) -> View:
    """Mark a view that needs an Idempotency-Key, for the OpenAPI document."""
    view._takes_key = True  # type: ignore[attr-defined]
    return view


def _claim(caller: Caller) -> idempotency.Claim:
    key = request.headers.get("Idempotency-Key", "")
    if not (0 < len(key) <= MAX_KEY_LENGTH and key.isprintable()):
        raise idempotency.IdempotencyKeyMissing("Idempotency-Key")
    # The framework has accepted the body as JSON; the order of its members does not matter.
    content = request.get_data()
    try:
        body = orjson.dumps(orjson.loads(content), option=orjson.OPT_SORT_KEYS) if content else b""
    except orjson.JSONDecodeError as error:
        raise Invalid("body", "body_not_json") from error
    digest = hashlib.sha256(body).digest()
    return idempotency.Claim(caller.name, f"{request.method} {request.path}", key, digest)


def idempotently(
    work: Callable[..., Any], status: int = 201, ahead: Sequence[Read] = ()
) -> Response:
    """Run a use case once for this caller's Idempotency-Key and give every replay its answer.

    `work` gets the unit of work and what the reads `ahead` found, and returns the reply's JSON
    value; effect and answer commit together. A refusal keeps nothing, so a retry with the same key
    tries anew. Without reads ahead the key is locked first; with them the write, one statement,
    locks it.
    """
    claim = _claim(g.principal)
    try:
        answer, is_replay = _run_once(claim, work, status, ahead)
    except DomainError:
        # The first request may have committed after this one looked for it; its effect is what
        # this one was refused for, so its answer is the right one.
        [known] = read_together(current_pool(), idempotency.reading(claim, clock.now()))
        if known is None:
            raise
        answer, is_replay = known, True
    response = Response(answer.body, answer.http_status, content_type=JSON)
    if is_replay:
        response.headers["Idempotency-Replayed"] = "true"
    return response


def _run_once(
    claim: idempotency.Claim, work: Callable[..., Any], status: int, ahead: Sequence[Read]
) -> tuple[idempotency.Answer, bool]:
    now = clock.now()
    known, *found = read_together(current_pool(), idempotency.reading(claim, now), *ahead)
    if known is not None:
        return known, True
    with unit_of_work() as uow:
        if not ahead:
            idempotency.lock(uow.session, claim)
        done = work(uow, *found)
        told = done if isinstance(done, Answered) else Answered(done, status)
        answer = idempotency.Answer(told.status, to_json(told.value).decode())
        ttl = uow.settings.idempotency_ttl_seconds
        uow.defer(idempotency.remembering(claim, answer, uow.now, ttl))
    return answer, False


def if_match() -> int | None:
    """Return the version that the request wants to change, or None where it does not say.

    Raises VersionConflict for one that can be no version.
    """
    tag = request.headers.get("If-Match", "").strip().strip('"')
    if not tag or tag == "*":
        return None
    # A version is a number of the database's; more digits are no version, and costly to read.
    if not (tag.isascii() and tag.isdigit() and len(tag) <= MAX_VERSION_DIGITS):
        raise VersionConflict("If-Match")
    return int(tag)


class MomentaryCache:
    """Replies that all callers share, kept in this process for a moment.

    Used for the shop window only: what is shown may be `ttl_seconds` old, what is sold never is,
    because placing an order reads the tables themselves.
    """

    def __init__(self, ttl_seconds: float, max_entries: int = 512) -> None:
        self.ttl_seconds = ttl_seconds
        self.max_entries = max_entries
        self._entries: dict[str, tuple[float, bytes]] = {}
        self._lock = threading.Lock()

    def get(self, key: str, make: Callable[[], bytes]) -> bytes:
        """Return the kept reply, or make and keep it."""
        at = time.monotonic()
        entry = self._entries.get(key)
        if entry is not None and entry[0] > at:
            return entry[1]
        body = make()
        with self._lock:
            if len(self._entries) >= self.max_entries:
                self._entries.clear()
            self._entries[key] = (at + self.ttl_seconds, body)
        return body

    def clear(self) -> None:
        """Drop everything."""
        with self._lock:
            self._entries.clear()


shop_window = MomentaryCache(ttl_seconds=1.0)
