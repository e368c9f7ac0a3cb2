"""The one way to ask another service: within so many seconds in all, and for so many bytes.

The time-outs of HTTP clients are for each read: a host that sends a byte a second is never silent for
so long. Here a timer shuts the connection down when the whole call has had its time, whatever it is
waiting for: TLS, heads or a body. Finding the address by name is bounded by the system's resolver.
"""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection

# No answer of a gateway but a bill is larger.
MAX_BYTES = 1024 * 1024
_CHUNK = 64 * 1024


@dataclass(frozen=True)
class Bounds:
    """How long a call may take in all, and how large its answer may be."""

    seconds: float
    limit_bytes: int = MAX_BYTES


class TooSlow(requests.exceptions.ReadTimeout):
    """The whole call took longer than it may."""


class AnswerTooLarge(requests.exceptions.ContentDecodingError):
    """An answer is larger than any that makes sense."""


class _Call:
    """A call under way: the connections it uses, which are shut down when its time is over."""

    def __init__(self, bounds: Bounds) -> None:
        self.bounds, self.is_over = bounds, False
        self._lock = threading.Lock()
        self._held: list[socket.socket] = []
        self._timer = threading.Timer(bounds.seconds, self._end)
        self._timer.daemon = True
        self._timer.start()

    def hold(self, connection: socket.socket) -> None:
        """Keep a second handle: the first one is wrapped by TLS, or closed before the body came."""
        with self._lock:
            if not self.is_over:
                self._held.append(socket.socket(fileno=os.dup(connection.fileno())))
                return
        raise TooSlow("no time is left")

    def _end(self) -> None:
        with self._lock:
            self.is_over = True
            for connection in self._held:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._timer.cancel()
        with self._lock:
            for connection in self._held:
                connection.close()
            self._held.clear()


_call: ContextVar[_Call | None] = ContextVar("call", default=None)
_wanted: ContextVar[Bounds | None] = ContextVar("wanted", default=None)


@contextmanager
def bounded_by(bounds: Bounds) -> Iterator[None]:
    """Give the calls within other bounds than their session has: a bill takes longer."""
    token = _wanted.set(bounds)
    try:
        yield
    finally:
        _wanted.reset(token)


@contextmanager
def _calling(bounds: Bounds) -> Iterator[_Call]:
    """Begin a call, or go on with the one that led here by a redirect."""
    if (under_way := _call.get()) is not None:
        yield under_way
        return
    call = _Call(_wanted.get() or bounds)
    token = _call.set(call)
    try:
        yield call
    except requests.RequestException as error:
        if call.is_over and not isinstance(error, TooSlow):
            raise TooSlow("the whole call took too long") from error
        raise
    finally:
        _call.reset(token)
        call.close()


class _Plain(HTTPConnection):
    """A connection that the call under way can shut down."""

    def _new_conn(self) -> socket.socket:
        return _held(super()._new_conn())

    def request(self, *args: Any, **kwargs: Any) -> None:
        # One that was kept from an earlier call has its socket already.
        _held(self.sock)
        super().request(*args, **kwargs)


class _Secret(HTTPSConnection):
    """The same over TLS; its handshake is within the call's time too."""

    def _new_conn(self) -> socket.socket:
        return _held(super()._new_conn())

    def request(self, *args: Any, **kwargs: Any) -> None:
        _held(self.sock)
        super().request(*args, **kwargs)


def _held(connection: Any) -> Any:
    call = _call.get()
    if call is not None and connection is not None:
        call.hold(connection)
    return connection


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _SecretPool(HTTPSConnectionPool):
    ConnectionCls = _Secret


_POOLS = {"http": _PlainPool, "https": _SecretPool}


class _Adapter(HTTPAdapter):
    """Reads an answer whole, within the call's bounds, whoever asked for it."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> PoolManager:
        manager: PoolManager = super().proxy_manager_for(proxy, **kwargs)
        manager.pool_classes_by_scheme = _POOLS
        return manager

    def send(
        self, request: requests.PreparedRequest, *args: Any, **kwargs: Any
    ) -> requests.Response:
        call = _call.get()
        assert call is not None, "only a BoundedSession sends"
        response = super().send(request, *args, **{**kwargs, "stream": True})
        content = bytearray()
        try:
            for chunk in response.iter_content(_CHUNK):
                content += chunk
                if len(content) > call.bounds.limit_bytes:
                    raise AnswerTooLarge(f"more than {call.bounds.limit_bytes} bytes")
        except BaseException:
            response.close()
            raise
        if call.is_over:
            # What ends with its connection would look whole.
            raise TooSlow("the whole call took too long")
        response._content = bytes(content)
        return response


class BoundedSession(requests.Session):
    """A session whose every call ends, redirects and all, and whose answers fit into memory."""

    def __init__(self, bounds: Bounds) -> None:
        super().__init__()
        self._bounds = bounds
        for scheme in ("http://", "https://"):
            self.mount(scheme, _Adapter())

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        with _calling(self._bounds) as call:
            # The library's own, for each read: who is silent altogether is left sooner than a bill ends.
            kwargs["timeout"] = min(self._bounds.seconds, call.bounds.seconds)
            return super().send(request, **kwargs)
