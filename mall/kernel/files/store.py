"""Where files are kept, whatever keeps them, and who may name which (docs/adr/0027)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from flask import current_app

from mall.kernel.errors import DomainError, NotFound
from mall.kernel.files.names import is_plain

IMAGES = "images"
DOCUMENTS, UPLOADS, ROSTERS = "documents", "uploads", "rosters"
PRIVATE = (DOCUMENTS, UPLOADS, ROSTERS)


@dataclass(frozen=True)
class Kept:
    """A file that is there: its key, and when it was put."""

    key: str
    since: datetime


class FileStore(Protocol):
    """Keeps the files of one area: bytes under a key that never changes its content."""

    def put(self, key: str, content: bytes, content_type: str) -> None:
        """Keep a file; keeping the same one again changes nothing. Raises FilesUnavailable."""

    def get(self, key: str) -> bytes:
        """Return a file; raise NotFound or FilesUnavailable."""

    def holds(self, key: str) -> bool:
        """Tell whether there is a file under this key. Raises FilesUnavailable."""

    def delete(self, key: str) -> None:
        """Forget a file; forgetting it again changes nothing. Raises FilesUnavailable."""

    def every(self) -> Iterator[Kept]:
        """Give every file of the area. Raises FilesUnavailable."""


class FilesUnavailable(DomainError):
    code = "files_unavailable"


def no_such_file() -> NotFound:
    """Return the refusal for a key that holds nothing."""
    return NotFound("file")


def plain_key(key: str) -> str:
    """Return a key as it is; raise NotFound for one that no file can have."""
    if not is_plain(key):
        raise no_such_file()
    return key


class PublicFiles:
    """What anybody may see: images, by their name below `/media/`."""

    def __init__(self, areas: Mapping[str, FileStore]) -> None:
        self._images = areas[IMAGES]

    def put(self, name: str, content: bytes, content_type: str) -> None:
        """Keep an image; raises FilesUnavailable."""
        self._images.put(plain_key(name), content, content_type)

    def get(self, name: str) -> bytes:
        """Return an image; raise NotFound or FilesUnavailable."""
        return self._images.get(plain_key(name))

    def holds(self, name: str) -> bool:
        """Tell whether there is an image of this name. Raises FilesUnavailable."""
        return self._images.holds(plain_key(name))


class PrivateFiles:
    """What only its owner may see, by a key that begins with its area: `rosters/…/….xlsx`."""

    def __init__(self, areas: Mapping[str, FileStore]) -> None:
        self._areas = {name: areas[name] for name in PRIVATE}

    def _place(self, key: str) -> tuple[FileStore, str]:
        area, _, rest = key.partition("/")
        if area not in self._areas:
            raise no_such_file()
        return self._areas[area], plain_key(rest)

    def put(self, key: str, content: bytes, content_type: str) -> None:
        """Keep a file; raises FilesUnavailable."""
        store, rest = self._place(key)
        store.put(rest, content, content_type)

    def get(self, key: str) -> bytes:
        """Return a file; raise NotFound or FilesUnavailable."""
        store, rest = self._place(key)
        return store.get(rest)

    def holds(self, key: str) -> bool:
        """Tell whether there is a file under this key. Raises FilesUnavailable."""
        store, rest = self._place(key)
        return store.holds(rest)

    def delete(self, key: str) -> None:
        """Forget a file; forgetting it again changes nothing. Raises FilesUnavailable."""
        store, rest = self._place(key)
        store.delete(rest)

    def every(self, area: str) -> Iterator[Kept]:
        """Give every file of an area. Raises FilesUnavailable."""
        for kept in self._areas[area].every():
            yield Kept(f"{area}/{kept.key}", kept.since)


def current_public_files() -> PublicFiles:
    """Return what the application at work shows to anybody."""
    files: PublicFiles = current_app.extensions["mall_public_files"]
    return files


def current_private_files() -> PrivateFiles:
    """Return what the application at work keeps for its owners."""
    files: PrivateFiles = current_app.extensions["mall_private_files"]
    return files
