"""A light HTTP load generator: one thread, one epoll, prepared requests, keep-alive."""

import select
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

STALLED_SECONDS = 20.0


@dataclass
class Outcome:
    """What a run measured; times in seconds."""

    seconds: float
    latencies: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    first_refusal: bytes = b""

    @property
    def per_second(self) -> float:
        """Return the rate of answers that were as expected (2xx)."""
        return sum(n for status, n in self.statuses.items() if status < 300) / self.seconds

    def percentile_ms(self, share: float) -> float:
        """Return the latency in milliseconds that this share of requests stayed within."""
        ordered = sorted(self.latencies)
        return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def together(outcomes: Iterable[Outcome]) -> Outcome:
    """Return several runs as one."""
    whole = Outcome(0.0)
    for each in outcomes:
        whole.seconds += each.seconds
        whole.latencies += each.latencies
        whole.statuses += each.statuses
        whole.first_refusal = whole.first_refusal or each.first_refusal
    return whole


class _Connection:
    """One client: sends a request, reads its answer, sends the next."""

    def __init__(self, host: str, port: int) -> None:
        self.socket = socket.create_connection((host, port), timeout=5)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        self.sent_at = 0.0

    def send(self, request: bytes) -> None:
        self.buffer = b""
        self.sent_at = time.perf_counter()
        self.socket.sendall(request)

    def read(self) -> tuple[int, bytes] | None:
        """Return status and body once the answer is complete."""
        received = self.socket.recv(262_144)
        if not received:
            raise ConnectionError("the server closed a connection")
        self.buffer += received
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return None
        head = self.buffer[:end].lower()
        at = head.find(b"content-length:")
        length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(self.buffer) < end + 4 + length:
            return None
        return int(head[9:12]), self.buffer[end + 4 :]


def request_bytes(
    method: str, base: str, path: str, headers: dict[str, str], body: bytes = b""
) -> bytes:
    """Return a request ready to be sent."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {urlsplit(base).netloc}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


def run(base: str, clients: int, seconds: float, make: Callable[[], bytes]) -> Outcome:
    """Keep `clients` requests under way for so long and return what was measured.

    Raises TimeoutError when nothing is answered for twenty seconds.
    """
    ends = time.perf_counter() + seconds
    return _drive(base, clients, lambda: make() if time.perf_counter() < ends else None)


def run_all(base: str, clients: int, requests: Iterable[bytes]) -> Outcome:
    """Send each of the requests once, `clients` at a time, and return what was measured.

    Raises TimeoutError when nothing is answered for twenty seconds.
    """
    waiting = iter(requests)
    return _drive(base, clients, lambda: next(waiting, None))


def _drive(base: str, clients: int, following: Callable[[], bytes | None]) -> Outcome:
    address = urlsplit(base)
    poll = select.epoll()
    connections: dict[int, _Connection] = {}
    for _ in range(clients):
        connection = _Connection(str(address.hostname), int(address.port or 80))
        connections[connection.socket.fileno()] = connection
        poll.register(connection.socket.fileno(), select.EPOLLIN)
    outcome = Outcome(0.0)
    began = time.perf_counter()
    under_way = 0
    for connection in connections.values():
        request = following()
        if request is not None:
            connection.send(request)
            under_way += 1
    while under_way:
        events = poll.poll(STALLED_SECONDS)
        if not events:
            raise TimeoutError("the service stopped answering")
        for number, _ in events:
            connection = connections[number]
            answer = connection.read()
            if answer is None:
                continue
            now = time.perf_counter()
            outcome.latencies.append(now - connection.sent_at)
            outcome.statuses[answer[0]] += 1
            if answer[0] >= 300 and not outcome.first_refusal:
                outcome.first_refusal = answer[1]
            request = following()
            if request is not None:
                connection.send(request)
            else:
                under_way -= 1
    outcome.seconds = time.perf_counter() - began
    for connection in connections.values():
        connection.socket.close()
    poll.close()
    return outcome
