"""Images are fetched from public addresses only, whatever leads there."""

import contextlib
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import urlsplit

import pytest

from mall.kernel.files import fetching
from mall.kernel.files.addresses import is_public
from mall.kernel.files.fetching import (
    FetchRefused,
    fetch,
    fetch_by,
    fetch_here,
    public_address,
)

PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "93.184.216.34",
    "114.114.114.114",
    "172.15.255.255",
    "172.32.0.1",
    "192.167.255.255",
    "100.63.255.255",
    "100.128.0.1",
    "169.253.0.1",
    "198.17.255.255",
    "198.20.0.1",
    "223.255.255.255",
    "126.0.0.1",
    "9.255.255.255",
    "11.0.0.1",
    "2606:4700:4700::1111",
    "2400:3200::1",
    "2a00:1450:4001::1",
    "2001:4860:4860::8888",
    "2001:200::1",
    "240e:1::1",
]
PRIVATE = [
    "127.0.0.1",
    "127.255.255.254",
    "10.0.0.1",
    "10.255.255.255",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "100.100.100.200",
    "100.127.255.255",
    "0.0.0.0",
    "0.1.2.3",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "192.0.0.1",
    "192.0.0.9",
    "192.0.0.170",
    "192.0.2.1",
    "198.51.100.1",
    "203.0.113.1",
    "198.18.0.1",
    "198.19.255.255",
    "192.88.99.1",
    "192.31.196.1",
    "192.52.193.1",
    "192.175.48.1",
    "168.63.129.16",
    "::",
    "::1",
    "::7f00:1",
    "::10.0.0.1",
    "::8.8.8.8",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::8.8.8.8",
    "64:ff9b:1::1",
    "100::1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "febf::1",
    "fc00::1",
    "fd00:ec2::254",
    "ff02::1",
    "ff0e::1",
    "2001::1",
    "2001:0:7f00:1::",
    "2001:2::1",
    "2001:10::1",
    "2001:20::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:808:808::1",
    "3fff::1",
    "5f00::1",
    "2620:4f:8000::1",
    "4000::1",
    "1::1",
    "not-an-address",
    "127.1",
    "0x7f000001",
    "2130706433",
    "017700000001",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_public(address):
    assert is_public(address)


@pytest.mark.parametrize("address", PRIVATE)
def test_no_other_address_is_public(address):
    assert not is_public(address)


def resolving(monkeypatch, *addresses):
    found = [(0, 0, 0, "", (address, 80)) for address in addresses]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)


def test_a_host_of_a_private_address_is_refused(monkeypatch):
    resolving(monkeypatch, "10.0.0.1")
    with pytest.raises(FetchRefused, match="not public"):
        fetch_here("http://pictures.example/a.jpg", 1000)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "2130706433", "0x7f.1", "127.1", "[::1]", "[::ffff:127.0.0.1]", "localhost"],
)
def test_a_child_refuses_private_hosts_however_they_are_written(host):
    with pytest.raises(FetchRefused, match=r"not public|no address|wrong"):
        fetch(f"http://{host}:9/a.jpg", 1000)


def test_a_host_with_one_private_address_among_public_ones_is_refused(monkeypatch):
    resolving(monkeypatch, "93.184.216.34", "127.0.0.1")
    with pytest.raises(FetchRefused):
        public_address("pictures.example", 80)


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://a.example/x",
        "http://user@a.example/",
        "http:///x",
        "http://a:x/",
        "http://[::1/",
        "//a.example/x",
        "",
    ],
)
def test_only_plain_http_addresses_are_taken(url):
    with pytest.raises(FetchRefused):
        fetch(url, 1000)


class Pictures(BaseHTTPRequestHandler):
    """A host of pictures that also tries to lead elsewhere."""

    def do_GET(self):
        if self.path == "/loop":
            self.send_response(302)
            self.send_header("Location", "/loop")
        elif self.path == "/inside":
            self.send_response(302)
            self.send_header("Location", "http://169.254.169.254/secret")
        elif self.path == "/missing":
            self.send_response(404)
        else:
            self.send_response(200)
        self.end_headers()
        if self.path.startswith("/picture"):
            self.wfile.write(b"x" * 500)

    def log_message(self, *_):
        pass


@pytest.fixture
def host(monkeypatch):
    """Return the base of a host of pictures; it alone is taken for public."""
    server = HTTPServer(("127.0.0.1", 0), Pictures)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    real = fetching.public_address

    def address(name, port):
        return "127.0.0.1" if name == "pictures.example" else real(name, port)

    monkeypatch.setattr(fetching, "public_address", address)
    yield f"http://pictures.example:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_picture_is_fetched_within_its_limit(host):
    assert fetch_here(f"{host}/picture", 500) == b"x" * 500
    with pytest.raises(FetchRefused, match="too large"):
        fetch_here(f"{host}/picture", 499)


@pytest.mark.parametrize(
    ("path", "why"), [("/loop", "redirects"), ("/inside", "public"), ("/missing", "404")]
)
def test_a_redirect_is_followed_only_to_public_addresses_and_not_for_ever(host, path, why):
    with pytest.raises(FetchRefused, match=why):
        fetch_here(host + path, 1000)


def dawdling(sent):
    """Serve one connection: what is given, a byte at a time, for ever; return the port."""
    server = socket.create_server(("127.0.0.1", 0))
    ended = threading.Event()

    def serve():
        server.settimeout(10)
        connection, _ = server.accept()
        with server, connection, contextlib.suppress(OSError):
            connection.sendall(sent)
            while not ended.wait(0.05):
                connection.sendall(b"x")

    threading.Thread(target=serve, daemon=True).start()
    return server.getsockname()[1], ended


HEAD = b"HTTP/1.1 200 OK\r\n"
DAWDLING = {
    "a body": ("http", HEAD + b"\r\n"),
    "heads": ("http", HEAD + b"X-A: "),
    "the first line": ("http", b"HTTP/1.1 200 "),
    "TLS": ("https", b"\x16\x03\x01\x40\x00"),
    "nothing": ("http", b""),
    "pieces": ("http", HEAD + b"Transfer-Encoding: chunked\r\n\r\n4000\r\n"),
}


@pytest.mark.parametrize("what", DAWDLING)
def test_a_byte_now_and_then_ends_with_one_deadline(what):
    scheme, sent = DAWDLING[what]
    port, ended = dawdling(sent)
    began = time.monotonic()
    with pytest.raises(FetchRefused, match=r"too long|reached|broke off"):
        fetch_by("tests.support.tasks:fetch_at_home", f"{scheme}://a.example:{port}/x", 10**6, 1.0)
    ended.set()
    assert time.monotonic() - began < 4


def test_a_picture_comes_through_the_child(host):
    port = urlsplit(host).port
    found = fetch_by("tests.support.tasks:fetch_at_home", f"http://a.example:{port}/picture", 500)
    assert found == b"x" * 500
