"""What is made for a reader out of much data is made in a child too: bounded, and no thread waits
for the interpreter meanwhile (docs/adr/0027)."""

from collections.abc import Iterable, Mapping
from typing import Any

from mall.kernel.errors import DomainError
from mall.kernel.sandbox import pool
from mall.kernel.sandbox.frames import STARVED, Limits

MEGABYTE = 1024 * 1024
# A report of 20,000 rows of thirty columns takes 8 s of CPU and 150 MB.
EFFORT = Limits(memory_bytes=600 * MEGABYTE, cpu_seconds=25, wall_seconds=60.0, turn_seconds=30)
MAX_BYTES = 64 * MEGABYTE


class TooMuchToMake(DomainError):
    code = "too_much_to_make"


def make(task: str, content: bytes, options: Mapping[str, Any], effort: Limits = EFFORT) -> bytes:
    """Let a child make a file out of content; raise TooMuchToMake and FilesBusy."""
    if len(content) > MAX_BYTES:
        raise TooMuchToMake()
    outcome = pool.read(task, content, options, effort)
    if outcome.ending == STARVED:
        raise pool.FilesBusy()
    if not outcome.is_done:
        raise TooMuchToMake()
    return b"".join(piece for piece in outcome.pieces() if isinstance(piece, bytes))


def joined(lines: Iterable[bytes]) -> bytes:
    """Return lines as one content; raise TooMuchToMake before they take the memory."""
    found = bytearray()
    for line in lines:
        found += line
        found += b"\n"
        if len(found) > MAX_BYTES:
            raise TooMuchToMake()
    return bytes(found)
