"""Read what a stranger sent in a process that is thrown away (docs/adr/0027)."""

import atexit
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import structlog

from mall.kernel.errors import DomainError
from mall.kernel.sandbox.frames import (
    BROKEN,
    DONE,
    ENDED,
    FAILED,
    MEMORY,
    REFUSED,
    STARVED,
    TIME,
    Limits,
    NotPlain,
    Outcome,
    decode,
    refusal,
    split,
)

log = structlog.get_logger(__name__)
# So many files are read at once for one process of the service.
CHILDREN = 2
# A child is killed by its own timer; this is for one that even the kernel cannot end at once.
GRACE_SECONDS = 3.0
_CHUNK = 256 * 1024
_START = "from mall.kernel.sandbox.nursery import main; main()"
_TIME_SIGNALS = (-signal.SIGALRM, -signal.SIGXCPU)


class FilesBusy(DomainError):
    """Too many files are read at this moment; nothing is known of this one."""

    code = "files_busy"


class Pool:
    """The nursery of one process of the service, and whose turn it is."""

    def __init__(self) -> None:
        self._turns = threading.BoundedSemaphore(CHILDREN)
        self._lock = threading.Lock()
        self._nursery: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None

    def read(self, task: str, content: bytes, options: Any, limits: Limits) -> Outcome:
        """Let a child do a task with a file; see `read`."""
        if not self._turns.acquire(timeout=limits.turn_seconds):
            raise FilesBusy()
        try:
            with _sealed(task, content, options, limits) as file:
                return self._read(file, limits)
        finally:
            self._turns.release()

    def _read(self, file: int, limits: Limits) -> Outcome:
        ours, theirs = socket.socketpair()
        told, tells = socket.socketpair()
        with ours, told:
            try:
                self._send(file, theirs.fileno(), tells.fileno())
            finally:
                theirs.close()
                tells.close()
            return _listen(ours, told, limits)

    def _send(self, *given: int) -> None:
        with self._lock:
            for is_last in (False, True):
                control = self._control or self._start()
                try:
                    socket.send_fds(control, [b"x"], list(given))
                    return
                except OSError as error:
                    # It died: the next one is as good.
                    log.warning("nursery_died", error=str(error))
                    self._forget()
                    if is_last:
                        raise FilesBusy() from error

    def _start(self) -> socket.socket:
        ours, theirs = socket.socketpair()
        with theirs:
            self._nursery = subprocess.Popen(
                [sys.executable, "-c", _START],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                cwd="/",
                # Nothing that a file could find out: no address, no secret.
                env={"PYTHONPATH": os.pathsep.join(_places()), "LANG": "C.UTF-8"},
                start_new_session=True,
            )
        self._control = ours
        return ours

    def _forget(self) -> None:
        control, nursery = self._control, self._nursery
        self._control = self._nursery = None
        if control is not None:
            control.close()
        if nursery is not None:
            with suppress(subprocess.TimeoutExpired):
                nursery.wait(2)

    def close(self) -> None:
        """End the nursery; the next file starts another."""
        with self._lock:
            self._forget()

    def leave(self) -> None:
        """Let go of the nursery of the process that this one was forked from."""
        if self._control is not None:
            self._control.close()
        if self._nursery is not None:
            # It is no child of this process: there is nothing to wait for.
            self._nursery.returncode = 0


def _places() -> list[str]:
    return [str(Path(place).resolve()) for place in sys.path if place or place == ""]


@contextmanager
def _sealed(task: str, content: bytes, options: Any, limits: Limits) -> Iterator[int]:
    """Give a file without a name that holds the job and the content."""
    job = {"task": task, "options": options, "limits": asdict(limits)}
    head = json.dumps(job).encode()
    with _nameless() as file:
        for part in (len(head).to_bytes(4, "big"), head, content):
            rest = memoryview(part)
            while rest:
                rest = rest[os.write(file, rest) :]
        yield file


@contextmanager
def _nameless() -> Iterator[int]:
    if hasattr(os, "memfd_create"):
        file = os.memfd_create("sent")
        try:
            yield file
        finally:
            os.close(file)
    else:
        with tempfile.TemporaryFile(buffering=0) as kept:
            yield kept.fileno()


def _listen(reply: socket.socket, told: socket.socket, limits: Limits) -> Outcome:
    found = Outcome()
    ends = time.monotonic() + limits.wall_seconds + GRACE_SECONDS
    try:
        while chunk := _receive(reply, _CHUNK, ends):
            found.content += chunk
            if len(found.content) > limits.output_bytes:
                return found
        code, found.cpu_seconds, peak = ENDED.unpack(_receive(told, ENDED.size, ends))
        found.peak_bytes = peak * 1024
    except TimeoutError:
        found.ending = TIME
        return found
    except Exception:
        # The nursery died, and the child with it.
        return found
    if code in _TIME_SIGNALS:
        # Where CPU time is left, the machine, and not the file, took the time.
        is_starved = found.cpu_seconds < 0.9 * limits.cpu_seconds
        found.ending = STARVED if is_starved else TIME
    elif code == -signal.SIGKILL:
        # The kernel's last word: where the CPU time is left, the machine had no memory.
        found.ending = TIME if found.cpu_seconds >= limits.cpu_seconds else MEMORY
    elif code == 0:
        _close(found)
    return found


def _receive(source: socket.socket, size: int, ends: float) -> bytes:
    source.settimeout(max(0.001, ends - time.monotonic()))
    return source.recv(size)


def _close(found: Outcome) -> None:
    """Read how the task ended from its last piece."""
    last, piece = max(enumerate(split(found.content)), default=(0, (b"", b"")))[1]
    if last == DONE:
        found.ending = ""
    elif last == FAILED:
        found.ending = piece.decode("ascii", "replace")
    elif last == REFUSED:
        with suppress(NotPlain, KeyError, TypeError):
            found.refusal = refusal(decode(piece))
            found.ending = ""


_pool = Pool()


def read(
    task: str, content: bytes, options: Mapping[str, Any], limits: Limits | None = None
) -> Outcome:
    """Let a child do a task with a file that somebody sent, within limits, and return what it sent.

    `task` is `module:function`; the function takes the file, the options and `send`, which sends
    bytes or what JSON can say. Whatever the file does to it is told by the outcome. Raises FilesBusy
    where no child could be had in time.
    """
    outcome = _pool.read(task, content, dict(options), limits or Limits())
    if outcome.ending in (BROKEN, STARVED, TIME):
        used = {"cpu_seconds": round(outcome.cpu_seconds, 2), "peak_bytes": outcome.peak_bytes}
        log.info("file_not_read", task=task, ending=outcome.ending, **used)
    return outcome


def close() -> None:
    """End the nursery of this process."""
    _pool.close()


def _after_fork() -> None:
    global _pool
    _pool.leave()
    _pool = Pool()


atexit.register(close)
os.register_at_fork(after_in_child=_after_fork)
