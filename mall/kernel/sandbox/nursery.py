"""The process that forks a child for each file: one thread, an empty environment, no secrets.

It is started by `mall.kernel.sandbox.pool`, gets files through its standard input, and ends with
whoever started it.
"""

import gc
import io
import json
import os
import resource
import select
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from typing import Any, BinaryIO

from mall.kernel.errors import ReasonedError
from mall.kernel.sandbox.frames import (
    BLOB,
    BROKEN,
    DONE,
    ENDED,
    FAILED,
    HEAD,
    JSON,
    MEMORY,
    REFUSED,
)

Send = Callable[[Any], None]
Task = Callable[[BinaryIO, Any, Send], None]
CONTROL = 0
MAX_OPEN_FILES = 32


def main() -> None:
    """Fork a child for each file until the other side is gone."""
    # numpy maps hundreds of megabytes for its threads; openpyxl can do without it.
    sys.modules["numpy"] = None  # type: ignore[assignment]
    control = socket.socket(fileno=os.dup(CONTROL))
    told, wake = os.pipe()
    os.set_blocking(told, False)
    os.set_blocking(wake, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    children: dict[int, int] = {}
    while True:
        ready, _, _ = select.select([control.fileno(), told], [], [])
        if told in ready:
            with suppress(BlockingIOError):
                os.read(told, 4096)
            _collect(children)
        if control.fileno() in ready:
            byte, given, _, _ = socket.recv_fds(control, 1, 3)
            if not byte:
                return
            if len(given) == 3:
                _begin(given, children)


def _collect(children: dict[int, int]) -> None:
    """Tell of every child that has ended how it did."""
    while children:
        pid, status, used = os.wait4(-1, os.WNOHANG)
        if pid == 0:
            return
        report = children.pop(pid)
        # Kilobytes; bytes on macOS.
        peak = used.ru_maxrss // (1024 if sys.platform == "darwin" else 1)
        code = os.waitstatus_to_exitcode(status)
        with suppress(OSError):
            os.write(report, ENDED.pack(code, used.ru_utime + used.ru_stime, peak))
        os.close(report)


def _begin(given: list[int], children: dict[int, int]) -> None:
    file, reply, report = given
    try:
        length = int.from_bytes(os.pread(file, 4, 0), "big")
        job = json.loads(os.pread(file, length, 4))
        module, _, name = job["task"].partition(":")
        # Here, and not in the child: the next one finds it loaded.
        task: Task = getattr(import_module(module), name)
        gc.freeze()
        pid = os.fork()
        if pid == 0:
            _child(task, job, file, reply, length + 4)
        children[pid] = report
    except Exception:
        traceback.print_exc()
        os.close(report)
    finally:
        os.close(file)
        os.close(reply)


def _child(task: Task, job: dict[str, Any], file: int, reply: int, begins: int) -> None:
    """Do the task within its limits; this process ends here, whatever happens."""
    code = 3
    try:
        # Nothing that it makes is worth collecting: it ends soon.
        gc.disable()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        _let_go({file, reply})
        _limit(job["limits"])
        with os.fdopen(os.dup(reply), "wb", buffering=65_536) as out:
            _work(task, job["options"], io.BufferedReader(_Content(file, begins)), out)
        code = 0
    finally:
        os._exit(code)


def _let_go(kept: set[int]) -> None:
    """Close every file but these; what the libraries complain of goes nowhere."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)
    for other in range(3, 256):
        if other not in kept:
            with suppress(OSError):
                os.close(other)


def _limit(limits: dict[str, Any]) -> None:
    """Set what the kernel enforces by itself, with signals that nobody handles."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, limits["wall_seconds"])
    cpu = limits["cpu_seconds"]
    most = {
        resource.RLIMIT_CPU: (cpu, cpu + 1),
        resource.RLIMIT_NOFILE: (MAX_OPEN_FILES, MAX_OPEN_FILES),
        resource.RLIMIT_FSIZE: (0, 0),
        resource.RLIMIT_CORE: (0, 0),
    }
    mapped = _mapped_bytes()
    if mapped:
        memory = mapped + limits["memory_bytes"]
        most[resource.RLIMIT_AS] = (memory, memory)
    for what, how in most.items():
        # macOS does not know all of them.
        with suppress(ValueError, OSError):
            resource.setrlimit(what, how)


def _mapped_bytes() -> int:
    """Return how much address space this process has already; 0 where that is not told."""
    try:
        with open("/proc/self/statm", encoding="ascii") as told:
            return int(told.read().split()[0]) * resource.getpagesize()
    except OSError:
        return 0


class _Content(io.RawIOBase):
    """The file that somebody sent, without what stands before it."""

    def __init__(self, file: int, begins: int) -> None:
        super().__init__()
        self._file, self._begins, self._at = file, begins, 0
        self._end = os.fstat(file).st_size - begins

    def readinto(self, buffer: Any) -> int:
        size = max(0, min(len(buffer), self._end - self._at))
        found = os.pread(self._file, size, self._begins + self._at)
        buffer[: len(found)] = found
        self._at += len(found)
        return len(found)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._end}[whence]
        if base + offset < 0:
            raise OSError("before the beginning")
        self._at = base + offset
        return self._at

    def tell(self) -> int:
        return self._at

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True


def _work(task: Task, options: Any, content: BinaryIO, out: BinaryIO) -> None:
    def write(kind: bytes, piece: bytes) -> None:
        out.write(HEAD.pack(kind, len(piece)))
        out.write(piece)

    def send(found: Any) -> None:
        if isinstance(found, bytes):
            write(BLOB, found)
        else:
            write(JSON, json.dumps(found, ensure_ascii=False, allow_nan=False).encode())
            # Whatever becomes of the child next, this has been said.
            out.flush()

    try:
        task(content, options, send)
    except MemoryError:
        write(FAILED, MEMORY.encode())
    except ReasonedError as refused:
        why = {"reason": refused.reason, "details": refused.details}
        write(REFUSED, json.dumps(why).encode())
    except Exception:
        # Whatever a broken file does to a library, it is broken.
        write(FAILED, BROKEN.encode())
    else:
        write(DONE, b"")


if __name__ == "__main__":
    main()
