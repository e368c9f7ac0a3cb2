"""The internal listener of a process: whether it lives, is ready, what it counts (docs/adr/0040).

A small threaded server of its own: it answers while everything else is busy, or the database silent.
"""

import socketserver
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

import structlog

log = structlog.get_logger(__name__)
HOST = "127.0.0.1"
# The flag in the environment of a request that came in here, and nowhere else.
IS_INTERNAL = "mall.is_internal"
SECONDS = 10
JSON, TEXT = "application/json", "text/plain; charset=utf-8"
StartResponse = Callable[..., Any]
Application = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]


@dataclass(frozen=True)
class Address:
    """Where a process listens internally; port 0 means nowhere."""

    host: str = HOST
    port: int = 0


@dataclass(frozen=True)
class Answer:
    """What a path answers."""

    status: int
    content: bytes
    kind: str = JSON


@dataclass(frozen=True)
class Paths:
    """What the listener answers; `pages` are those of the application that it lets through."""

    answers: Mapping[str, Callable[[], Answer]]
    application: Application | None = None
    pages: tuple[str, ...] = ()

    def __call__(self, environ: dict[str, Any], start: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if self.application is not None and self.pages and path.startswith(self.pages):
            return self.application({**environ, IS_INTERNAL: True}, start)
        answer = self._answer(environ["REQUEST_METHOD"], path)
        headers = [("Content-Type", answer.kind), ("Content-Length", str(len(answer.content)))]
        start(f"{answer.status} {'OK' if answer.status == 200 else 'Not OK'}", headers)
        return [answer.content]

    def _answer(self, method: str, path: str) -> Answer:
        found = self.answers.get(path)
        if found is None or method not in ("GET", "HEAD"):
            return Answer(404, b"not here\n", TEXT)
        try:
            return found()
        except Exception as error:
            log.exception("internal_answer_failed", path=path)
            return Answer(500, f"failed: {type(error).__name__}\n".encode(), TEXT)


class _Handler(WSGIRequestHandler):
    # A client that says nothing is let go.
    timeout = SECONDS

    def log_message(self, *_: object) -> None:
        """Say nothing: somebody asks every few seconds, for ever."""


class _Server(socketserver.ThreadingMixIn, WSGIServer):
    daemon_threads = True
    # Processes of one command share the port.
    allow_reuse_port = True
    request_queue_size = 32

    def server_bind(self) -> None:
        # Without a question to the system's resolver, which may take long.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]
        self.setup_environ()


@dataclass
class Listener:
    """Listens on an address until it is stopped; on none where the port is 0."""

    address: Address
    paths: Application
    _server: _Server | None = field(default=None, init=False)

    def start(self) -> None:
        """Listen from now on, in a thread; whoever started this holds the port."""
        if self.address.port == 0:
            return
        self._server = _Server((self.address.host, self.address.port), _Handler)
        self._server.set_app(self.paths)
        threading.Thread(target=self._server.serve_forever, name="internal", daemon=True).start()

    def stop(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
