"""Give memory back that a long-lived process has let go of.

The C library keeps what was freed, apart for each thread: a process stays as large as the largest
moments of all its threads together. Where it is glibc it gives it back when it is asked.
"""

import ctypes
import gc
import os
import threading
from collections.abc import Callable
from pathlib import Path

LOOK_SECONDS = 20.0
# Asking takes some 50 ms of one processor: not for less than this.
GROWTH_BYTES = 8_000_000
_PAGE = os.sysconf("SC_PAGE_SIZE")
_STATM = Path("/proc/self/statm")


def resident_bytes() -> int:
    """Return how much memory this process has; 0 where the system does not say it this way."""
    try:
        return int(_STATM.read_text(encoding="ascii").split()[1]) * _PAGE
    except OSError:
        return 0


def _trim() -> Callable[[int], int] | None:
    try:
        found: Callable[[int], int] = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError):
        return None
    return found


def give_back() -> bool:
    """Give back now what is free; False where the C library is not glibc."""
    trim = _trim()
    if trim is None:
        return False
    trim(0)
    return True


def give_back_from_time_to_time(seconds: float = LOOK_SECONDS) -> None:
    """Start a thread that gives back what is free whenever the process has grown."""
    if _trim() is not None:
        look = threading.Thread(target=_look, args=[seconds], name="memory", daemon=True)
        look.start()


def _look(seconds: float) -> None:
    wait, least = threading.Event(), 0
    while not wait.wait(seconds):
        now = resident_bytes()
        if now - least >= GROWTH_BYTES:
            give_back()
            least = resident_bytes()
        else:
            least = min(least, now)


def settle() -> None:
    """Leave out of garbage collection what has been loaded: it stays as long as the process."""
    gc.collect()
    gc.freeze()
