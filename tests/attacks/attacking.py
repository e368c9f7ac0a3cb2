"""What an attacker has: a client that sends anything, and the OpenAPI document to try it on."""

import http.client
import json
import re
import secrets
from contextlib import suppress
from dataclasses import dataclass

METHODS = ("get", "post", "put", "delete", "patch")
AUDIENCES = ("store", "union", "supplier", "pickup", "ops")
UNKNOWN = "019a3c5e-0000-7000-8000-000000000001"
SECONDS = 30


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: http.client.HTTPMessage
    content: bytes

    @property
    def body(self):
        return json.loads(self.content)

    @property
    def code(self):
        """Return the code of a problem document; empty where this is none."""
        return self.body.get("code", "") if self.is_problem else ""

    @property
    def is_problem(self):
        return self.headers.get_content_type() == "application/problem+json"


class Attacker:
    """Sends requests as they are: paths are not tidied, headers may be anything.

    It keeps its connection; `address` is where it comes from, anywhere in 127.0.0.0/8.
    """

    def __init__(self, port, token="", address="127.0.0.1"):
        self.port, self.token, self.address = port, token, address
        self._line = None

    def ask(self, method, path, body=None, headers=(), data=None):
        """Send one request, with a body of JSON or of bytes, and return its answer."""
        sent = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        if method == "POST":
            sent["Idempotency-Key"] = secrets.token_hex(16)
        if body is not None:
            data, sent["Content-Type"] = json.dumps(body).encode(), "application/json"
        sent |= dict(headers)
        for is_last in (False, True):
            line = self._line or http.client.HTTPConnection(
                "127.0.0.1", self.port, SECONDS, source_address=(self.address, 0)
            )
            self._line = line
            try:
                line.putrequest(method, path, skip_accept_encoding=True)
                for name, value in sent.items():
                    text = value if isinstance(value, bytes) else str(value).encode()
                    line.putheader(name, text)
                line.putheader("Content-Length", str(len(data or b"")))
                # A body that is refused by its length is not read to its end.
                with suppress(BrokenPipeError, ConnectionResetError):
                    line.endheaders(data)
                found = line.getresponse()
                return Answer(found.status, found.headers, found.read())
            except (http.client.HTTPException, ConnectionError):
                # A kept connection may have been closed; a fresh one is not.
                line.close()
                self._line = None
                if is_last:
                    raise

    def close(self):
        if self._line is not None:
            self._line.close()

    __del__ = close


@dataclass(frozen=True)
class Operation:
    """One operation of the document."""

    method: str
    path: str
    told: dict

    @property
    def name(self):
        return f"{self.method} {self.path}"

    @property
    def audience(self):
        parts = self.path.split("/")
        return parts[2] if len(parts) > 2 and parts[2] in AUDIENCES else ""

    @property
    def is_public(self):
        return self.told.get("security") == []

    @property
    def parameters(self):
        return re.findall(r"{([a-z_]+)}", self.path)

    @property
    def ids(self):
        return [name for name in self.parameters if name.endswith("_id")]

    @property
    def duty(self):
        """Return the duty that it declares; empty where there is none."""
        refusal = self.told["responses"].get("403", {}).get("description", "")
        found = re.fullmatch(r"An account without the duty `([a-z_]+)`", refusal)
        return found.group(1) if found else ""

    @property
    def query(self):
        found = self.told.get("parameters", [])
        return [each["name"] for each in found if each["in"] == "query"]

    @property
    def media(self):
        """Return the media type of its body and the document's example; (None, None) without."""
        content = self.told.get("requestBody", {}).get("content", {})
        return next(((kind, media["example"]) for kind, media in content.items()), (None, None))

    def at(self, values):
        """Return its path with these values; the others get something that passes."""
        plain = {"year": "2026", "kind": "png", "name": "handover", "merchant": "three"}
        return self.path.format(
            **{name: values.get(name, plain.get(name, UNKNOWN)) for name in self.parameters}
        )


def operations(document):
    """Return every operation of an OpenAPI document."""
    return [
        Operation(method.upper(), path, told)
        for path, methods in document["paths"].items()
        for method, told in methods.items()
        if method in METHODS
    ]
