"""Reading a request's body on the event loop: bounded in size, in time and in all together."""

import asyncio
from collections.abc import AsyncIterable
from dataclasses import dataclass
from typing import Protocol

SMALL_BYTES = 64 * 1024
# Empty chunks at the end of a body in chunks that broke off; a good one ends with one.
BROKEN_OFF = 2


class Headers(Protocol):
    """Headers by their names in small letters."""

    def __contains__(self, name: object, /) -> bool: ...

    def get(self, name: str, default: str, /) -> str: ...


class BodyRefused(Exception):
    """The body is not taken; `status` says why."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


@dataclass(frozen=True)
class Pace:
    """How slowly a body may come: a start, then so many bytes a second on the average."""

    start_seconds: float = 10.0
    bytes_per_second: int = 8 * 1024

    def allowed_seconds(self, received: int) -> float:
        """Return how long a body may have been under way when so much of it has come."""
        return self.start_seconds + received / self.bytes_per_second


class Budget:
    """How many bytes of large things may be in memory at once; only the event loop touches it."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.used = 0

    def take(self, count: int) -> bool:
        """Take so many bytes; False, and nothing taken, where that were too many."""
        if self.used + count > self.most:
            return False
        self.used += count
        return True

    def give_back(self, count: int) -> None:
        """Return what was taken."""
        self.used -= count


def declared_length(headers: Headers) -> int | None:
    """Return how long the body is said to be: 0 for none, None for one that comes in chunks.

    Raises BodyRefused for a length that is no number.
    """
    if "transfer-encoding" in headers:
        return None
    text = headers.get("content-length", "0")
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise BodyRefused(400)
    return int(text)


class Body:
    """What has come of a body; a large one holds its share of the budget until it is released."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._chunks: list[bytes] = []
        self._held = 0
        self.size = 0

    def add(self, chunk: bytes, limit: int) -> None:
        """Keep a chunk; raise BodyRefused where the body is too large, or all bodies together."""
        self.size += len(chunk)
        if self.size > limit:
            raise BodyRefused(413)
        if self.size > SMALL_BYTES:
            missing = self.size - self._held
            if not self._budget.take(missing):
                raise BodyRefused(503)
            self._held += missing
        self._chunks.append(chunk)

    def content(self) -> bytes:
        """Return all that came."""
        return self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)

    def release(self) -> None:
        """Let go of what it holds."""
        self._chunks.clear()
        self._budget.give_back(self._held)
        self._held = 0


async def read(
    chunks: AsyncIterable[bytes], length: int | None, limit: int, pace: Pace, body: Body
) -> None:
    """Read a body to its end; raise BodyRefused where it is too large, too slow or broken."""
    if length is not None and length > limit:
        raise BodyRefused(413)
    began = asyncio.get_running_loop().time()
    empty = 0
    try:
        async with asyncio.timeout_at(began + pace.allowed_seconds(0)) as until:
            async for chunk in chunks:
                body.add(chunk, limit)
                empty += not chunk
                if body.size == length:
                    return
                until.reschedule(began + pace.allowed_seconds(body.size))
    except TimeoutError as error:
        raise BodyRefused(408) from error
    # A connection that broke ends the body too: only the length, or one empty chunk, tells.
    if length is not None or empty >= BROKEN_OFF:
        raise BodyRefused(400)
