"""Where files are kept, whatever keeps them: bytes under a key that never changes its content."""

from typing import Protocol

from flask import current_app

from mall.kernel.errors import DomainError, NotFound


class FileStore(Protocol):
    """Keeps files under keys such as `images/3f/3fa4….webp`; no two contents share a key."""

    def put(self, key: str, content: bytes, content_type: str) -> None:
        """Keep a file; keeping the same one again changes nothing. Raises FilesUnavailable."""

    def get(self, key: str) -> bytes:
        """Return a file; raise NotFound or FilesUnavailable."""

    def holds(self, key: str) -> bool:
        """Tell whether there is a file under this key. Raises FilesUnavailable."""

    def delete(self, key: str) -> None:
        """Forget a file; forgetting it again changes nothing. Raises FilesUnavailable."""


class FilesUnavailable(DomainError):
    code = "files_unavailable"
    status = 503
    zh = "文件存储暂时不可用，请稍后重试。"
    en = "The file storage does not answer at the moment; try again shortly."


def no_such_file() -> NotFound:
    """Return the refusal for a key that holds nothing."""
    return NotFound("file", "文件")


def current_files() -> FileStore:
    """Return the file store of the application at work."""
    store: FileStore = current_app.extensions["mall_files"]
    return store
