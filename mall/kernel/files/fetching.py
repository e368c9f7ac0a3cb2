"""Fetch a file from an address that somebody typed: from public hosts only, and not for long."""

import ipaddress
import socket
import time
from urllib.parse import urljoin, urlsplit

import urllib3
from urllib3.exceptions import HTTPError

from mall.kernel.errors import DomainError

MAX_REDIRECTS = 3
SECONDS = 10
_REDIRECTS = (301, 302, 303, 307, 308)


class FetchRefused(DomainError):
    code = "fetch_refused"
    status = 422
    zh = "{zh}"
    en = "{en}"

    def __init__(self, zh: str, en: str) -> None:
        super().__init__("url", zh=zh, en=en)


def public_address(host: str, port: int) -> str:
    """Return an address of a host that is public; raise FetchRefused if any of its is not.

    Private, loopback, link-local, multicast and reserved addresses are refused, also where IPv6
    carries an IPv4 address.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise FetchRefused("域名无法解析", "The host has no address.") from error
    addresses = [str(entry[4][0]).partition("%")[0] for entry in found]
    for address in addresses:
        parsed = ipaddress.ip_address(address)
        inner = getattr(parsed, "ipv4_mapped", None) or getattr(parsed, "sixtofour", None)
        if not parsed.is_global or parsed.is_multicast or (inner and not inner.is_global):
            raise FetchRefused("不允许访问内网地址", "The address is not public.")
    return addresses[0]


def fetch(url: str, limit_bytes: int) -> bytes:
    """Return what stands at an address; every redirect is checked like the address itself.

    The connection goes to the very address that was checked. Raises FetchRefused.
    """
    ends = time.monotonic() + SECONDS
    for _ in range(MAX_REDIRECTS + 1):
        reply = _ask(url)
        try:
            if reply.status in _REDIRECTS and reply.headers.get("Location"):
                url = urljoin(url, reply.headers["Location"])
                continue
            if reply.status != 200:
                raise FetchRefused(f"对方返回 {reply.status}", f"It answers {reply.status}.")
            return _read(reply, limit_bytes, ends)
        finally:
            reply.release_conn()
    raise FetchRefused("跳转次数过多", "There are too many redirects.")


def _ask(url: str) -> urllib3.BaseHTTPResponse:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
        raise FetchRefused("只支持 http 和 https 网址", "Only http and https addresses.")
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError as error:
        raise FetchRefused("端口无效", "The port is wrong.") from error
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
        raise FetchRefused("无法连接", "It cannot be reached.") from error


def _read(reply: urllib3.BaseHTTPResponse, limit_bytes: int, ends: float) -> bytes:
    content = bytearray()
    try:
        while chunk := reply.read(65536):
            content += chunk
            if len(content) > limit_bytes:
                raise FetchRefused("文件过大", "The file is too large.")
            if time.monotonic() > ends:
                raise FetchRefused("下载超时", "It takes too long.")
    except HTTPError as error:
        raise FetchRefused("下载中断", "The download broke off.") from error
    return bytes(content)
