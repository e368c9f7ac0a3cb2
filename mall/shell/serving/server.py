"""granian with our limits, in a process that loads nothing of the application."""

import inspect
import os
import resource
import sys
import threading
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

from granian import _futures
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server import MPServer

from mall.shell.serving import counters
from mall.shell.serving.stopping import exit_when_told, fork_without_handlers

MODULE = "mall.shell.serving.app"
BACKLOG = 1024
HEAD_SECONDS, HEAD_BYTES = 15, 64 * 1024
STOP_SECONDS = 10
# Files, the database, Valkey and what else is open beside connections of clients.
OTHER_DESCRIPTORS = 256


# The private name of granian's that is replaced, what it takes, and what asks for it.
_NAME, _TAKES, _ASKS = "_cbsched_aioschedule", ["loop", "ctx", "cb"], "_CBSchedulerAIO"


class GranianChanged(SystemExit):
    """The installed granian is not built as this service needs it; the sentence says what to do."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"granian {version('granian')} cannot serve the mall: {what}. Install the version of"
            " requirements.txt, or adapt mall/shell/serving/server.py to the new one."
        )


def granians_schedule(futures: Any = _futures) -> Callable[..., Callable[[Any], None]]:
    """Return granian's own scheduling function; raise GranianChanged where it is not as it was."""
    found = getattr(futures, _NAME, None)
    if not callable(found):
        raise GranianChanged(f"its granian._futures.{_NAME} is gone")
    takes = list(inspect.signature(found).parameters)
    if takes != _TAKES:
        raise GranianChanged(f"granian._futures.{_NAME} takes {takes} and not {_TAKES}")
    asks = getattr(getattr(futures, _ASKS, None), "__init__", None)
    if _NAME not in getattr(getattr(asks, "__code__", None), "co_names", ()):
        raise GranianChanged(f"its granian._futures.{_ASKS} does not call {_NAME} any more")
    return found


def past_the_loop(
    through: Callable[..., Callable[[Any], None]],
) -> Callable[..., Callable[[Any], None]]:
    """Return what granian calls for its schedule: requests without a body go past the event loop.

    The loop adds a fifth to what a small request costs.
    """

    def make(*arguments: Any) -> Callable[[Any], None]:
        through_the_loop = through(*arguments)
        # Loaded by granian in this web process, never in the parent of all.
        adapter = sys.modules[MODULE].app

        def schedule(watcher: Any) -> None:
            if not adapter.answer_at_once(watcher.scope, watcher.proto, watcher.done):
                through_the_loop(watcher)

        return schedule

    return make


def raise_file_limit(connections: int) -> None:
    """Let a process open a descriptor for each connection it may have, as far as it may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + OTHER_DESCRIPTORS
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class _WakeUp(threading.Event):
    """granian's wake-up; once a stop was asked for it stays set, or the stop could be forgotten."""

    is_kept = False

    def clear(self) -> None:
        if not self.is_kept:
            super().clear()


class Server(MPServer):
    """granian's server, which hears a stop at any moment (docs/adr/0040)."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.main_loop_interrupt: threading.Event = _WakeUp()

    def signal_handler_interrupt(self, *arguments: Any, **options: Any) -> None:
        # A child that a stop ended, too, is looked at by granian's loop, which clears the wake-up.
        assert isinstance(self.main_loop_interrupt, _WakeUp)
        self.main_loop_interrupt.is_kept = True
        super().signal_handler_interrupt(*arguments, **options)

    def shutdown(self, exit_code: int = 0) -> None:
        """End; web processes that heard the same stop did not fail."""
        if self.interrupt_signal:
            self.interrupt_children.clear()
        super().shutdown(exit_code)


def main(host: str, port: int, workers: int, connections: int) -> None:
    """Serve until stopped."""
    try:
        # The command that became this process let them wait, with a folder to be removed.
        exit_when_told()
        _futures._cbsched_aioschedule = past_the_loop(granians_schedule())
        raise_file_limit(connections)
        fork_without_handlers()
        _server(host, port, workers, connections).serve()
    finally:
        counters.remove_own(os.environ)


def _server(host: str, port: int, workers: int, connections: int) -> Server:
    return Server(
        f"{MODULE}:app",
        address=host,
        port=port,
        interface=Interfaces.RSGI,
        workers=workers,
        http=HTTPModes.http1,
        websockets=False,
        backlog=BACKLOG,
        backpressure=connections,
        http1_settings=HTTP1Settings(
            header_read_timeout=HEAD_SECONDS * 1000, max_buffer_size=HEAD_BYTES
        ),
        log_level=LogLevels.warning,
        respawn_failed_workers=True,
        workers_kill_timeout=STOP_SECONDS,
    )


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
