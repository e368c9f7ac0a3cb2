"""Which requests share threads: what takes long has a room of its own (docs/adr/0026, 0030).

A view that names none runs in the main room, whose threads are those of `mall serve --threads`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

View = TypeVar("View", bound=Callable[..., object])
MAIN = "main"
FILES, PAPERS, PICTURES, SHEETS, PASSWORDS, GATEWAYS = (
    "files",
    "papers",
    "pictures",
    "sheets",
    "passwords",
    "gateways",
)


@dataclass(frozen=True)
class RoomSize:
    """So many threads of a web process, and so many requests that may wait for them."""

    threads: int
    waiting: int


ROOMS: Mapping[str, RoomSize] = {
    # Images, documents and scripts that are sent as they are.
    FILES: RoomSize(1, 400),
    # PDF, xlsx and csv made for one reader.
    PAPERS: RoomSize(1, 24),
    # Images that are decoded and made anew.
    PICTURES: RoomSize(1, 16),
    # Sheets, archives and documents that are read or stored.
    SHEETS: RoomSize(1, 16),
    # Hashing a password takes time and memory on purpose.
    PASSWORDS: RoomSize(1, 32),
    # Calls of WeChat that a person waits for.
    GATEWAYS: RoomSize(4, 64),
}
MAIN_WAITING = 1000


def in_room(name: str) -> Callable[[View], View]:
    """Let a view run in this room, apart from all others."""
    assert name in ROOMS

    def mark(view: View) -> View:
        view._room = name  # type: ignore[attr-defined]
        return view

    return mark
