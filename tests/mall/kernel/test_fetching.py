"""Images are fetched from public addresses only, whatever leads there."""

import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from mall.kernel.files import fetching
from mall.kernel.files.fetching import FetchRefused, fetch, public_address

PRIVATE = [
    "127.0.0.1",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "224.0.0.1",
    "::1",
    "fe80::1",
    "fc00::1",
    "::ffff:127.0.0.1",
    "2002:7f00:1::",
]


def resolving(monkeypatch, *addresses):
    found = [(0, 0, 0, "", (address, 80)) for address in addresses]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)


@pytest.mark.parametrize("address", PRIVATE)
def test_private_and_loopback_addresses_are_refused(monkeypatch, address):
    resolving(monkeypatch, address)
    with pytest.raises(FetchRefused, match="not public"):
        fetch("http://pictures.example/a.jpg", 1000)


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
    assert fetch(f"{host}/picture", 500) == b"x" * 500
    with pytest.raises(FetchRefused, match="too large"):
        fetch(f"{host}/picture", 499)


@pytest.mark.parametrize(
    ("path", "why"), [("/loop", "redirects"), ("/inside", "public"), ("/missing", "404")]
)
def test_a_redirect_is_followed_only_to_public_addresses_and_not_for_ever(host, path, why):
    with pytest.raises(FetchRefused, match=why):
        fetch(host + path, 1000)
