"""Between granian and the WSGI application: the event loop waits, threads work (docs/adr/0026)."""

import asyncio
import re
import sys
import time
from collections.abc import AsyncIterable, Callable
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any, Protocol

import structlog
from flask import Flask
from prometheus_client import Counter

from mall.shell.serving import bodies, replies
from mall.shell.serving.bodies import Body, BodyRefused, Budget, Pace
from mall.shell.serving.proxies import Proxies
from mall.shell.serving.replies import Reply
from mall.shell.serving.rooms import Room
from mall.shell.serving.slow_readers import CAN_LOOK, Patience, UntakenReplies
from mall.web.rooms import MAIN, MAIN_WAITING, ROOMS, RoomSize

REFUSED = Counter(
    "mall_http_refused_total", "Requests that never reached the application", ["status"]
)
log = structlog.get_logger(__name__)
Finish = Callable[[], object]
LARGE_REPLY_BYTES = 256 * 1024
WITHOUT_BODY = {204, 304}
NOBODY = Proxies()
# A declared length of so many digits is below the size from which bodies share a budget.
SMALL_DIGITS = 4


class Scope(Protocol):
    """The head of a request, as granian gives it."""

    method: str
    path: str
    query_string: str
    scheme: str
    client: str
    server: str
    http_version: str
    headers: Any


class Exchange(AsyncIterable[bytes], Protocol):
    """The body of a request, and the way back for its reply, as granian gives them."""

    def response_empty(self, status: int, headers: replies.Headers) -> None: ...

    def response_bytes(self, status: int, headers: replies.Headers, body: bytes) -> None: ...


@dataclass(frozen=True)
class Bounds:
    """What a web process takes of its clients."""

    threads: int = 4
    body_bytes: int = 4 * 1024 * 1024
    file_bytes: int = 50 * 1024 * 1024
    all_bodies_bytes: int = 256 * 1024 * 1024
    all_replies_bytes: int = 256 * 1024 * 1024
    wait_seconds: float = 10.0
    pace: Pace = field(default_factory=Pace)
    proxies: Proxies = NOBODY
    patience: Patience = field(default_factory=Patience)


# What is the same for every request; WSGI's names.
_ENVIRON = {
    "SCRIPT_NAME": "",
    "wsgi.version": (1, 0),
    "wsgi.errors": sys.stderr,
    "wsgi.file_wrapper": replies.WholeFile,
    "wsgi.multithread": True,
    "wsgi.multiprocess": True,
    "wsgi.run_once": False,
    "wsgi.input_terminated": True,
}


def _bytes_as_text(text: str) -> str:
    """Return text as WSGI carries it: its bytes, each as a character of Latin-1."""
    return text if text.isascii() else text.encode().decode("latin-1")


@lru_cache(512)
def _key(name: str) -> str:
    """Return the name of a header in the environment; empty for one that is not taken over.

    `content_length` would become what `content-length` becomes: only the latter is meant.
    """
    if "_" in name:
        return ""
    key = name.upper().replace("-", "_")
    return key if key in ("CONTENT_LENGTH", "CONTENT_TYPE") else "HTTP_" + key


def environ_of(scope: Scope, proxies: Proxies = NOBODY) -> dict[str, Any]:
    """Return the WSGI environment of a request's head; a trusted proxy says whose request it is."""
    host, _, port = scope.server.rpartition(":")
    peer = scope.client.rpartition(":")[0].strip("[]")
    environ: dict[str, Any] = {
        **_ENVIRON,
        "REQUEST_METHOD": scope.method,
        "PATH_INFO": _bytes_as_text(scope.path),
        "QUERY_STRING": _bytes_as_text(scope.query_string),
        "SERVER_NAME": host,
        "SERVER_PORT": port,
        "SERVER_PROTOCOL": "HTTP/" + scope.http_version,
        "REMOTE_ADDR": peer,
        "wsgi.url_scheme": scope.scheme,
    }
    for name, value in scope.headers.items():
        key = _key(name)
        if key in environ:
            environ[key] += ("; " if key == "HTTP_COOKIE" else ",") + _bytes_as_text(value)
        elif key:
            environ[key] = _bytes_as_text(value)
    if proxies.trusts(peer):
        environ["REMOTE_ADDR"] = proxies.client(peer, environ.get("HTTP_X_FORWARDED_FOR", ""))
        if environ.get("HTTP_X_FORWARDED_PROTO") in ("http", "https"):
            environ["wsgi.url_scheme"] = environ["HTTP_X_FORWARDED_PROTO"]
    return environ


def _marked(app: Flask, mark: str, value: object = None) -> re.Pattern[str]:
    """Return what `METHOD /path` looks like where the view bears a mark, of this value if given."""
    found = []
    for rule in app.url_map.iter_rules():
        bears = getattr(app.view_functions[rule.endpoint], mark, None)
        if bears is None or value not in (None, bears):
            continue
        pieces = [
            re.escape(piece)
            if piece[:1] != "<"
            else ".+"
            if piece.startswith("<path:")
            else "[^/]+"
            for piece in re.split(r"(<[^>]+>)", rule.rule)
        ]
        found.append(f"(?:{'|'.join(sorted(rule.methods or ()))}) {''.join(pieces)}")
    return re.compile("|".join(found) if found else "(?!)")


def send(exchange: Exchange, reply: Reply) -> None:
    """Hand a complete reply to granian."""
    if reply.body and reply.status not in WITHOUT_BODY:
        exchange.response_bytes(reply.status, reply.headers, reply.body)
    else:
        exchange.response_empty(reply.status, reply.headers)


def _refuse(exchange: Exchange, status: int) -> None:
    REFUSED.labels(status).inc()
    send(exchange, replies.refusal(status))


def _finish(done: "asyncio.Future[None]") -> None:
    if not done.done():
        done.set_result(None)


class Adapter:
    """The application as granian's RSGI calls it, one for each web process."""

    def __init__(self, app: Flask, bounds: Bounds) -> None:
        self.app = app
        self.bounds = bounds
        self.replies = UntakenReplies(bounds.all_replies_bytes, bounds.patience)
        self._takes_file = _marked(app, "_takes_file")
        self._main = Room(MAIN, RoomSize(bounds.threads, MAIN_WAITING))
        self._rooms = [
            (_marked(app, "_room", name), Room(name, size)) for name, size in ROOMS.items()
        ]
        self._has_room = re.compile("|".join(pattern.pattern for pattern, _ in self._rooms))
        self._bodies = Budget(bounds.all_bodies_bytes)
        self._reading: set[asyncio.Task[None]] = set()

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop

    async def __rsgi__(self, scope: Scope, exchange: Exchange) -> None:
        """Answer one request: read its body on the loop, then let a thread work."""
        self.replies.watch(scope.server)
        body = Body(self._bodies)
        try:
            length = bodies.declared_length(scope.headers)
            if length != 0:
                await bodies.read(exchange, length, self._limit(scope), self.bounds.pace, body)
            done: asyncio.Future[None] = self.loop.create_future()
            finish = partial(self.loop.call_soon_threadsafe, _finish, done)
            self._submit(scope, exchange, body.content(), finish)
            await done
        except BodyRefused as refused:
            _refuse(exchange, refused.status)
        finally:
            body.release()

    def answer_at_once(self, scope: Scope, exchange: Exchange, finish: Finish) -> bool:
        """Take a request without a body, or with a small one; False for another.

        The first goes past the loop. The second waits on it for its body only: the thread that
        answers tells granian itself, and the loop need not be woken once more.
        """
        headers = scope.headers
        if "transfer-encoding" in headers:
            return False
        declared = headers.get("content-length", "0")
        if declared == "0":
            self.replies.watch(scope.server)
            self._try_submit(scope, exchange, b"", finish)
            return True
        if not (declared.isascii() and declared.isdigit() and len(declared) <= SMALL_DIGITS):
            return False
        self.loop.call_soon_threadsafe(self._begin, scope, exchange, int(declared), finish)
        return True

    def _begin(self, scope: Scope, exchange: Exchange, length: int, finish: Finish) -> None:
        self.replies.watch(scope.server)
        task = self.loop.create_task(self._read_small(scope, exchange, length, finish))
        # The loop itself holds its tasks weakly.
        self._reading.add(task)
        task.add_done_callback(self._reading.discard)

    async def _read_small(
        self, scope: Scope, exchange: Exchange, length: int, finish: Finish
    ) -> None:
        body = Body(self._bodies)
        try:
            await bodies.read(exchange, length, self._limit(scope), self.bounds.pace, body)
        except BodyRefused as refused:
            _refuse(exchange, refused.status)
            finish()
        except BaseException:
            # Nothing was sent: granian answers 500.
            finish()
            raise
        else:
            self._try_submit(scope, exchange, body.content(), finish)

    def _try_submit(self, scope: Scope, exchange: Exchange, content: bytes, finish: Finish) -> None:
        try:
            self._submit(scope, exchange, content, finish)
        except BodyRefused as refused:
            _refuse(exchange, refused.status)
            finish()

    def _submit(self, scope: Scope, exchange: Exchange, content: bytes, finish: Finish) -> None:
        turn = _Turn(self, scope, exchange, content, finish)
        if not self._room(f"{scope.method} {scope.path}").submit(turn):
            raise BodyRefused(503)

    def _limit(self, scope: Scope) -> int:
        is_file = self._takes_file.fullmatch(f"{scope.method} {scope.path}") is not None
        return self.bounds.file_bytes if is_file else self.bounds.body_bytes

    def _room(self, name: str) -> Room:
        if self._has_room.fullmatch(name):
            for pattern, room in self._rooms:
                if pattern.fullmatch(name):
                    return room
        return self._main


class _Turn:
    """One complete request: waits for a thread, is run by it, and answered from it."""

    __slots__ = ("_adapter", "_content", "_ends", "_exchange", "_finish", "_scope")

    def __init__(
        self, adapter: Adapter, scope: Scope, exchange: Exchange, content: bytes, finish: Finish
    ) -> None:
        self._adapter = adapter
        self._scope = scope
        self._exchange = exchange
        self._content = content
        self._finish = finish
        self._ends = time.monotonic() + adapter.bounds.wait_seconds

    def __call__(self) -> None:
        try:
            if time.monotonic() > self._ends:
                reply = self._refused()
            else:
                reply = replies.run(
                    self._adapter.app,
                    environ_of(self._scope, self._adapter.bounds.proxies),
                    self._content,
                )
            if len(reply.body) >= LARGE_REPLY_BYTES and CAN_LOOK:
                reply = self._admitted(reply)
            send(self._exchange, reply)
        except Exception:
            log.exception("reply_failed")
        finally:
            # Whatever happened, granian lets go of it; it answers 500 where nothing was sent.
            self._finish()

    def _admitted(self, reply: Reply) -> Reply:
        """Return a large reply, or the refusal of it where too much is under way already."""
        if not self._adapter.replies.admit(self._scope.client, len(reply.body)):
            return self._refused()
        # Its end is seen by that of its connection.
        reply.headers = [*reply.headers, ("connection", "close")]
        return reply

    def _refused(self) -> Reply:
        REFUSED.labels(503).inc()
        return replies.refusal(503)
