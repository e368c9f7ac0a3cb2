"""Files of one area in a folder of this machine."""

import errno
import os
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from mall.kernel.files.store import FilesUnavailable, StoredObject, no_such_file

# What the system says of a name that no file has, or can have.
_ABSENT = {
    errno.ENOENT,
    errno.EISDIR,
    errno.ENOTDIR,
    errno.ENAMETOOLONG,
    errno.EINVAL,
    errno.EILSEQ,
    errno.ELOOP,
}


def _refusal(error: OSError | ValueError) -> Exception:
    # A ValueError is a NUL or a surrogate in the name.
    if isinstance(error, OSError) and error.errno not in _ABSENT:
        return FilesUnavailable()
    return no_such_file()


class LocalFiles:
    """Keeps each file below one folder; a file appears whole or not at all."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def _path(self, key: str) -> Path:
        try:
            path = (self._root / key).resolve()
        except (OSError, ValueError, RuntimeError) as error:
            raise no_such_file() from error
        # A key made of what somebody sent must not lead out of the folder.
        if not path.is_relative_to(self._root.resolve()) or "\0" in key:
            raise no_such_file()
        return path

    def put(self, key: str, content: bytes, content_type: str) -> None:
        target = self._path(key)
        try:
            if target.exists():
                return
            target.parent.mkdir(parents=True, exist_ok=True)
            partial = target.with_name(f"{target.stem}-{secrets.token_hex(4)}.partial")
            partial.write_bytes(content)
            partial.replace(target)
        except OSError as error:
            raise FilesUnavailable() from error

    def get(self, key: str) -> bytes:
        try:
            return self._path(key).read_bytes()
        except (OSError, ValueError) as error:
            raise _refusal(error) from error

    def holds(self, key: str) -> bool:
        try:
            return self._path(key).is_file()
        except (OSError, ValueError) as error:
            refusal = _refusal(error)
            if isinstance(refusal, FilesUnavailable):
                raise refusal from error
            return False

    def delete(self, key: str) -> None:
        path = self._path(key)
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            if error.errno not in _ABSENT:
                raise FilesUnavailable() from error

    def every(self) -> Iterator[StoredObject]:
        for folder, _, names in os.walk(self._root):
            for name in names:
                path = Path(folder, name)
                try:
                    since = datetime.fromtimestamp(path.stat().st_mtime, UTC)
                except FileNotFoundError:
                    continue
                yield StoredObject(path.relative_to(self._root).as_posix(), since)
