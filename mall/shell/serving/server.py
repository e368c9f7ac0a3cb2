"""granian with our limits, in a process that loads nothing of the application."""

import resource
import sys
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


_through_the_loop = _futures._cbsched_aioschedule


def _schedule(*arguments: Any) -> Any:
    """Return what granian calls for each request: one without a body goes past the event loop.

    The loop adds a fifth to what a small request costs.
    """
    through_the_loop = _through_the_loop(*arguments)
    # Loaded by granian in this web process, never in the parent of all.
    adapter = sys.modules[MODULE].app

    def schedule(watcher: Any) -> None:
        if not adapter.answer_at_once(watcher.scope, watcher.proto, watcher.done):
            through_the_loop(watcher)

    return schedule


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
    raise_file_limit(connections)
    # Where granian asks for it under another name one day, every request takes the loop: slower,
    # and the same otherwise.
    _futures._cbsched_aioschedule = _schedule
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
