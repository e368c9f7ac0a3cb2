"""Being told to stop is heard at any moment, by whoever was forked just now too (docs/adr/0040)."""

import os
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType

SIGNALS = (signal.SIGTERM, signal.SIGINT)
# The same signal reaches a process twice where its group gets it and its parent passes it on.
TWICE_SECONDS = 1.0
_mask = threading.local()


class Stop:
    """Set by the first signal; whoever has to be woken up for it is called."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._asked_at = 0.0
        self.wake: Callable[[], None] | None = None

    @property
    def is_asked(self) -> bool:
        return self._event.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait so long, or until told to stop; tell whether that is so."""
        return self._event.wait(seconds)

    def listen(self) -> None:
        """Hear signals from now on; a second one ends the process at once, whatever it does."""
        for each in SIGNALS:
            signal.signal(each, self._hear)

    def _hear(self, number: int, _frame: FrameType | None) -> None:
        now = time.monotonic()
        if self._event.is_set():
            if now - self._asked_at >= TWICE_SECONDS:
                raise SystemExit(128 + number)
        else:
            self._asked_at = now
            self._event.set()
        # Again at the second time: an exception may be lost on its way.
        if self.wake is not None:
            self.wake()


def hold() -> None:
    """Let signals wait: what is left to be removed is about to be made, or to change hands."""
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)


def exit_when_told() -> None:
    """End in good order when a signal comes, or has been waiting; whoever serves hears them next."""
    for each in SIGNALS:
        signal.signal(each, _exit)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


def _exit(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


def fork_without_handlers() -> None:
    """Let whatever this process forks begin with the default: a signal ends it.

    Otherwise a child has its parent's handler until it sets one of its own, and a stop that comes
    before is lost. Signals wait for the moment between.
    """
    os.register_at_fork(before=_hold_back, after_in_parent=_let_go, after_in_child=_begin)


def _hold_back() -> None:
    _mask.before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)


def _let_go() -> None:
    signal.pthread_sigmask(signal.SIG_SETMASK, _mask.before)


def _begin() -> None:
    for each in SIGNALS:
        signal.signal(each, signal.SIG_DFL)
    _let_go()
