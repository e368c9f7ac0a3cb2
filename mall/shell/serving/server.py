"""granian with our limits, in a process that loads nothing of the application."""

import inspect
import resource
import sys
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

from granian import _futures
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server import MPServer

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


def main(host: str, port: int, workers: int, connections: int) -> None:
    """Serve until stopped."""
    _futures._cbsched_aioschedule = past_the_loop(granians_schedule())
    raise_file_limit(connections)
    MPServer(
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
    ).serve()


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
