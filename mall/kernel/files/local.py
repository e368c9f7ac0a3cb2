"""Files in a folder of this machine."""

import secrets
from pathlib import Path

from mall.kernel.files.store import FilesUnavailable, no_such_file


class LocalFiles:
    """Keeps each file below one folder; a file appears whole or not at all."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def _path(self, key: str) -> Path:
        path = (self._root / key).resolve()
        # A key made of what somebody sent must not lead out of the folder.
        if not path.is_relative_to(self._root.resolve()) or "\0" in key:
            raise no_such_file()
        return path

    def put(self, key: str, content: bytes, content_type: str) -> None:
        target = self._path(key)
        if target.exists():
            return
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            partial = target.with_name(f"{target.name}.{secrets.token_hex(4)}.partial")
            partial.write_bytes(content)
            partial.replace(target)
        except OSError as error:
            raise FilesUnavailable() from error

    def get(self, key: str) -> bytes:
        try:
            return self._path(key).read_bytes()
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError, ValueError) as error:
            raise no_such_file() from error
        except OSError as error:
            raise FilesUnavailable() from error

    def holds(self, key: str) -> bool:
        return self._path(key).is_file()

    def delete(self, key: str) -> None:
        self._path(key).unlink(missing_ok=True)
