"""Replies that are not taken: found by a look at the process's own sockets, and cut off.

granian writes replies without a thread and without a time limit. The kernel knows of each
connection how much waits to be sent and how much was received; that is Linux's to tell, and
elsewhere nothing is cut off.
"""

import fcntl
import os
import socket
import struct
import sys
import termios
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

CAN_LOOK = sys.platform == "linux"
DESCRIPTORS = "/proc/self/fd"
LOOK_SECONDS = 1.0
# Where `struct tcp_info` keeps tcpi_bytes_acked.
_ACKED_AT, _INFO_BYTES = 120, 136


@dataclass(frozen=True)
class Patience:
    """How slowly a reply may be taken: so many bytes in each span, and all of it in the end."""

    span_seconds: float = 20.0
    span_bytes: int = 20 * 1024
    whole_seconds: float = 300.0


@dataclass
class _Seen:
    """Since when data has been waiting for a client, and the progress noted last."""

    since: float
    noted_at: float
    noted: int

    def is_too_slow(self, now: float, acked: int, patience: Patience) -> bool:
        if now - self.since > patience.whole_seconds:
            return True
        if now - self.noted_at < patience.span_seconds:
            return False
        is_slow = acked - self.noted < patience.span_bytes
        self.noted_at, self.noted = now, acked
        return is_slow


def _client(host: str, port: int) -> str:
    """Return a client's address as granian writes it."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def connections(port: int) -> Iterator[tuple[str, int]]:
    """Yield the client, as address:port, and the descriptor of every connection to this port."""
    for name in os.listdir(DESCRIPTORS):
        try:
            link = os.readlink(f"{DESCRIPTORS}/{name}")
            if not link.startswith("socket:"):
                continue
            with _borrowed(int(name)) as found:
                if found.family not in (socket.AF_INET, socket.AF_INET6):
                    continue
                if found.getsockname()[1] != port:
                    continue
                host, peer_port = found.getpeername()[:2]
        except OSError:
            # Closed meanwhile, or one that only listens.
            continue
        yield _client(host, peer_port), int(name)


class _borrowed:
    """A descriptor as a socket, through a copy of it that is closed again."""

    def __init__(self, descriptor: int) -> None:
        self._socket = socket.socket(fileno=os.dup(descriptor))

    def __enter__(self) -> socket.socket:
        return self._socket

    def __exit__(self, *_: object) -> None:
        self._socket.close()


class SlowReaders:
    """What a web process remembers of its connections between two looks at them."""

    def __init__(self, port: int, patience: Patience) -> None:
        self._port = port
        self._patience = patience
        self._seen: dict[str, _Seen] = {}

    def look(self) -> set[str]:
        """Shut the connections whose clients are too slow; return the clients still connected."""
        now = time.monotonic()
        present = set()
        for client, descriptor in connections(self._port):
            present.add(client)
            with suppress(OSError), _borrowed(descriptor) as found:
                if self._is_too_slow(client, found, now):
                    # Only what still belongs to that client: descriptors are used again.
                    found.shutdown(socket.SHUT_RDWR)
        for gone in self._seen.keys() - present:
            del self._seen[gone]
        return present

    def _is_too_slow(self, client: str, found: socket.socket, now: float) -> bool:
        waiting = struct.unpack("i", fcntl.ioctl(found, termios.TIOCOUTQ, b"\0\0\0\0"))[0]
        if not waiting:
            self._seen.pop(client, None)
            return False
        details = found.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO_BYTES)
        acked = struct.unpack_from("Q", details, _ACKED_AT)[0]
        seen = self._seen.setdefault(client, _Seen(now, now, acked))
        return seen.is_too_slow(now, acked, self._patience)


class UntakenReplies:
    """Large replies that granian still writes, and the watch over all replies that are not taken."""

    def __init__(self, most: int, patience: Patience) -> None:
        self._most = most
        self._patience = patience
        self._under_way: dict[str, int] = {}
        self._lock = threading.Lock()
        self._is_watching = False

    def admit(self, client: str, count: int) -> bool:
        """Count a reply to a client until its connection ends; False where too much is under way."""
        with self._lock:
            if sum(self._under_way.values()) + count > self._most:
                return False
            self._under_way[client] = count
        return True

    def watch(self, server: str) -> None:
        """Begin to look at the connections to this address of ours, once."""
        if self._is_watching or not CAN_LOOK:
            return
        self._is_watching = True
        slow = SlowReaders(int(server.rpartition(":")[2]), self._patience)
        threading.Thread(target=self._watch, args=(slow,), name="readers", daemon=True).start()

    def _watch(self, slow: SlowReaders) -> None:
        while True:
            time.sleep(LOOK_SECONDS)
            # Only what was under way before the look can be known to be gone by it.
            with self._lock:
                before = list(self._under_way)
            present = slow.look()
            with self._lock:
                for client in before:
                    if client not in present:
                        self._under_way.pop(client, None)
