"""The files of the index: one folder in use, one writer at a time, swapped whole by a rebuild.

`CURRENT` names the folder in use. Whoever writes holds `writer.lock`, which the system takes away
from a process that dies. A write that was cut off leaves the last commit in use.
"""

import fcntl
import os
import secrets
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from whoosh import fields, index
from whoosh.filedb.filestore import FileStorage
from whoosh.index import EmptyIndexError, LockError

from mall.kernel.errors import DomainError
from mall.kernel.settings import current_settings
from search_index.documents import Document

# Bumped when the fields change: an index of another layout is taken for none.
LAYOUT = 2
WORDS = (
    "title", "inner", "brand", "keyword", "leaf", "category", "attribute", "supplier", "origin", "body",
)  # fmt: skip
FORMS = ("tail", "gram", "sound", "letters", "part", "word")
LOCK_SECONDS = 10.0


class IndexUnavailable(DomainError):
    code = "search_index_unavailable"


def _schema() -> fields.Schema:
    # Only whether a product has a term is kept: how often says little in a name of ten words.
    words = {name: fields.KEYWORD() for name in (*WORDS, *FORMS)}
    return fields.Schema(id=fields.ID(unique=True, stored=True), meta=fields.STORED, **words)


class Engine:
    """The index in one folder of this machine, shared by all its processes."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def _pointer(self) -> Path:
        return self.root / "CURRENT"

    def folder(self) -> Path:
        """Return the folder in use; raise IndexUnavailable where there is none."""
        try:
            name = self._pointer.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise IndexUnavailable() from error
        found = self.root / name
        if "/" in name or not name or not found.is_dir():
            raise IndexUnavailable()
        return found

    def mark_broken(self) -> None:
        """Ask for a rebuild: the files in use do not answer, though they can be opened."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            (self.root / "BROKEN").touch()
        except OSError as error:
            raise IndexUnavailable() from error

    def needs_rebuild(self) -> bool:
        """Tell whether there is no index, or one that was found broken."""
        try:
            self.open().close()
        except IndexUnavailable:
            return True
        return (self.root / "BROKEN").exists()

    def open(self) -> Any:
        """Return the Whoosh index in use; raise IndexUnavailable where it cannot be read."""
        return _open(self.folder())

    def state(self) -> tuple[str, int]:
        """Return what moves with every commit and every swap; cheap enough to ask often."""
        folder = self.folder()
        try:
            return folder.name, max(
                (
                    int(name.split("_")[-1].split(".")[0])
                    for name in os.listdir(folder)
                    if name.startswith("_MAIN_") and name.endswith(".toc")
                ),
                default=-1,
            )
        except (OSError, ValueError) as error:
            raise IndexUnavailable() from error

    def writing(self, seconds: float = LOCK_SECONDS) -> AbstractContextManager[None]:
        """Be the only writer; raise IndexUnavailable where another is for too long."""
        return self._locked("writer.lock", seconds)

    @contextmanager
    def _locked(self, name: str, seconds: float) -> Iterator[None]:
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / name).open("w") as lock:
            ends = time.monotonic() + seconds
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except OSError as error:
                    if time.monotonic() > ends:
                        raise IndexUnavailable() from error
                    time.sleep(0.02)
            yield

    def write(self, documents: Iterable[Document], gone: Iterable[str]) -> None:
        """Put documents in place of their older selves and take others out; one commit.

        Call it as the only writer. Raises IndexUnavailable where the index cannot be written.
        """
        try:
            writer = self.open().writer()
        except (LockError, OSError, EmptyIndexError) as error:
            raise IndexUnavailable() from error
        try:
            for product_id in gone:
                writer.delete_by_term("id", product_id)
            for each in documents:
                writer.update_document(id=each.id, meta=each.meta, **each.fields)
            writer.commit()
        except BaseException:
            writer.cancel()
            raise

    @contextmanager
    def rebuilding(self) -> Iterator["Build"]:
        """Build a whole new index beside the one in use; `Build.swap` puts it in its place.

        One at a time: raises IndexUnavailable while another is built.
        """
        with self._locked("rebuild.lock", 0):
            folder = self.root / f"g{time.time_ns():x}-{secrets.token_hex(2)}"
            folder.mkdir()
            build = Build(self, folder)
            try:
                yield build
            finally:
                if not build.is_swapped:
                    build.cancel()
                    shutil.rmtree(folder, ignore_errors=True)

    def use(self, folder: Path) -> None:
        """Let everybody use a folder from now on, and remove those that nobody needs any more."""
        partial = self.root / f"CURRENT.{secrets.token_hex(4)}"
        partial.write_text(folder.name, encoding="ascii")
        before = self._pointer.read_text("ascii").strip() if self._pointer.exists() else ""
        partial.replace(self._pointer)
        (self.root / "BROKEN").unlink(missing_ok=True)
        for other in self.root.glob("g*"):
            # The one before stays for readers that have not moved on yet.
            if other.is_dir() and other.name not in (folder.name, before):
                shutil.rmtree(other, ignore_errors=True)


class Build:
    """An index in the making."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self._engine = engine
        self._folder = folder
        self.is_swapped = False
        self._writer: Any = index.create_in(str(folder), _schema()).writer(limitmb=512)

    def add(self, each: Document) -> None:
        """Add a product."""
        self._writer.add_document(id=each.id, meta=each.meta, **each.fields)

    def swap(self) -> None:
        """Finish and be used; call it as the only writer."""
        self._writer.commit()
        self._writer = None
        (self._folder / "LAYOUT").write_text(str(LAYOUT), encoding="ascii")
        self._engine.use(self._folder)
        self.is_swapped = True

    def cancel(self) -> None:
        """Give up."""
        if self._writer is not None:
            self._writer.cancel()
            self._writer = None


def current_engine() -> Engine:
    """Return the index of the application at work."""
    return Engine(current_settings().index_dir)


def _open(folder: Path) -> Any:
    try:
        if (folder / "LAYOUT").read_text("ascii") != str(LAYOUT):
            raise IndexUnavailable()
        # Mapped files would count as memory of every process that reads them.
        return FileStorage(str(folder), supports_mmap=False).open_index()
    except IndexUnavailable:
        raise
    except Exception as error:
        # Whatever a truncated or foreign file does to the library, it is no index.
        raise IndexUnavailable() from error


def stored(whoosh_index: Any) -> Mapping[str, str]:
    """Return the fingerprint of every product in an index; raise IndexUnavailable."""
    try:
        with whoosh_index.reader() as reader:
            return {each["id"]: each["meta"]["f"] for each in reader.all_stored_fields()}
    except Exception as error:
        raise IndexUnavailable() from error
