"""What goes between the service and a child that reads a file: plain, bounded pieces."""

import json
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from mall.kernel.text import wording

# Kind and length stand before each piece.
HEAD = struct.Struct(">cI")
JSON, BLOB, DONE, REFUSED, FAILED = b"J", b"B", b"D", b"R", b"F"
# How the nursery tells of a child's end: exit code or minus the signal, CPU seconds, peak in kB.
ENDED = struct.Struct(">idQ")
# Why nothing more came.
MEMORY, TIME, BROKEN, STARVED = "memory", "time", "broken", "starved"


@dataclass(frozen=True)
class Limits:
    """What one file may take of a child, and how long its sender may wait for one."""

    memory_bytes: int = 240 * 1024 * 1024
    cpu_seconds: int = 9
    # The CPU time is what ends a file; this is for a machine that has no time for it.
    wall_seconds: float = 25.0
    output_bytes: int = 48 * 1024 * 1024
    turn_seconds: float = 60


@dataclass(frozen=True)
class Refusal:
    """Why a task refused a file: a reason of the catalogues, and what its sentence names."""

    reason: str
    details: Mapping[str, Any]


@dataclass
class Outcome:
    """What a child sent before it ended, and how it ended: `ending` is empty where it was done."""

    content: bytearray = field(default_factory=bytearray, repr=False)
    ending: str = BROKEN
    # What is wrong with the file, where the task said so.
    refusal: Refusal | None = None
    cpu_seconds: float = 0.0
    peak_bytes: int = 0

    @property
    def is_done(self) -> bool:
        return not self.ending and self.refusal is None

    def pieces(self) -> Iterator[Any]:
        """Give what was sent: bytes, or what JSON says; nothing that came only in part."""
        for kind, piece in split(self.content):
            if kind == BLOB:
                yield piece
            elif kind == JSON:
                yield decode(piece)


def refusal(told: Any) -> Refusal:
    """Return why a child refused a file; raise KeyError or TypeError for what none of ours says.

    It is believed no more than the file: only a reason that we know, and short details that it names.
    """
    reason, details = str(told["reason"]), told["details"]
    names = wording.catalogue()[f"reasons.{reason}"].names
    return Refusal(reason, {name: _plain(details[name]) for name in names})


def _plain(detail: Any) -> Any:
    return list(map(_short, detail[:50])) if isinstance(detail, list) else _short(detail)


def _short(detail: Any) -> int | str:
    is_number = isinstance(detail, int) and abs(detail) < 1 << 63
    return detail if is_number else str(detail)[:200]


class NotPlain(Exception):
    """A child sent what is no JSON: it is not believed."""


def decode(piece: bytes) -> Any:
    """Return what a piece of JSON says; raise NotPlain."""
    try:
        return json.loads(piece, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise NotPlain(str(error)[:200]) from error


def _no_number(text: str) -> Any:
    raise ValueError(text)


def split(content: bytearray) -> Iterator[tuple[bytes, bytes]]:
    """Give every whole piece of what came, with its kind."""
    at = 0
    while at + HEAD.size <= len(content):
        kind, length = HEAD.unpack_from(content, at)
        begins = at + HEAD.size
        if begins + length > len(content):
            return
        yield kind, bytes(memoryview(content)[begins : begins + length])
        at = begins + length
