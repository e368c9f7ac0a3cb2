"""Fetch a file from an address that somebody typed: from public hosts only, and not for long.

A child does it, so that one deadline ends everything: names, connection, TLS, heads, every byte.
"""

import socket
from typing import Any, BinaryIO
from urllib.parse import urljoin, urlsplit

import urllib3
from urllib3.exceptions import HTTPError

from mall.kernel.errors import ReasonedError
from mall.kernel.files.addresses import is_public
from mall.kernel.sandbox import pool
from mall.kernel.sandbox.frames import STARVED, TIME, Limits
from mall.kernel.sandbox.nursery import Send

MAX_REDIRECTS = 3
_REDIRECTS = (301, 302, 303, 307, 308)
SECONDS = 10.0
_TASK = "mall.kernel.files.fetching:send_fetched"


class FetchRefused(ReasonedError):
    code = "fetch_refused"

    def __init__(self, reason: str, /, **details: Any) -> None:
        super().__init__("url", reason, **details)


def public_address(host: str, port: int) -> str:
    """Return an address of a host that is public; raise FetchRefused if any of its is not."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError, ValueError) as error:
        raise FetchRefused("host_unknown") from error
    addresses = [str(entry[4][0]) for entry in found]
    if not addresses or not all(map(is_public, addresses)):
        raise FetchRefused("address_not_public")
    return addresses[0]


def fetch(url: str, limit_bytes: int) -> bytes:
    """Return what stands at an address; every redirect is checked like the address itself.

    The connection goes to the very address that was checked. Raises FetchRefused.
    """
    return fetch_by(_TASK, url, limit_bytes)


def fetch_by(task: str, url: str, limit_bytes: int, seconds: float = SECONDS) -> bytes:
    """Let a child fetch what stands at an address, within so many seconds in all."""
    limits = Limits(cpu_seconds=5, wall_seconds=seconds, output_bytes=limit_bytes + 4096)
    outcome = pool.read(task, b"", {"url": url, "limit_bytes": limit_bytes}, limits)
    if outcome.refusal is not None:
        raise FetchRefused(outcome.refusal.reason, **outcome.refusal.details)
    if outcome.ending in (STARVED, TIME):
        raise FetchRefused("download_too_slow")
    content = next(outcome.pieces(), None) if outcome.is_done else None
    if not isinstance(content, bytes):
        raise FetchRefused("download_broken_off")
    return content


def send_fetched(file: BinaryIO, options: dict[str, Any], send: Send) -> None:
    """Send what stands at an address; raises FetchRefused."""
    send(fetch_here(options["url"], options["limit_bytes"]))


def fetch_here(url: str, limit_bytes: int) -> bytes:
    """Fetch in this process, which must be a child: nothing here ends a dawdling host."""
    for _ in range(MAX_REDIRECTS + 1):
        reply = _ask(url)
        try:
            if reply.status in _REDIRECTS and reply.headers.get("Location"):
                url = urljoin(url, reply.headers["Location"])
                continue
            if reply.status != 200:
                raise FetchRefused("host_answers", answer=reply.status)
            return _read(reply, limit_bytes)
        finally:
            reply.release_conn()
    raise FetchRefused("too_many_redirects")


def _ask(url: str) -> urllib3.BaseHTTPResponse:
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise FetchRefused("url_wrong") from error
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
        raise FetchRefused("url_scheme_wrong")
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError as error:
        raise FetchRefused("port_wrong") from error
    address = public_address(parts.hostname, port)
    timeout = urllib3.Timeout(connect=3, read=5)
    pool: urllib3.HTTPConnectionPool
    if parts.scheme == "https":
        pool = urllib3.HTTPSConnectionPool(
            address,
            port,
            timeout=timeout,
            server_hostname=parts.hostname,
            assert_hostname=parts.hostname,
        )
    else:
        pool = urllib3.HTTPConnectionPool(address, port, timeout=timeout)
    path = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
    try:
        return pool.urlopen(
            "GET",
            path,
            headers={"Host": parts.netloc, "User-Agent": "mall-image-fetch"},
            redirect=False,
            retries=False,
            preload_content=False,
        )
    except HTTPError as error:
        raise FetchRefused("host_unreachable") from error


def _read(reply: urllib3.BaseHTTPResponse, limit_bytes: int) -> bytes:
    content = bytearray()
    try:
        while chunk := reply.read(65536):
            content += chunk
            if len(content) > limit_bytes:
                raise FetchRefused("download_too_large")
    except HTTPError as error:
        raise FetchRefused("download_broken_off") from error
    return bytes(content)
