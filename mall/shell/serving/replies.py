"""Run the WSGI application for one complete request and hold its complete reply."""

import io
from collections.abc import Callable, Iterable, Iterator
from typing import Any, BinaryIO

import structlog

from mall.web import problems

log = structlog.get_logger(__name__)
Headers = list[tuple[str, str]]
Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
RETRY_SECONDS = {503: "2", 429: "2"}


class WholeFile:
    """A file of a reply, read at once: replies are complete before they are sent."""

    def __init__(self, file: BinaryIO, _size: int = 0) -> None:
        self._file = file
        self.close = file.close

    def __iter__(self) -> Iterator[bytes]:
        yield self._file.read()


class Reply:
    """Status, headers and body; what WSGI calls `start_response`."""

    def __init__(self) -> None:
        self.status = 500
        self.headers: Headers = []
        self.body = b""

    def start(
        self, status: str, headers: Headers, _error: object = None
    ) -> Callable[[bytes], None]:
        """Take status and headers from the application."""
        self.status = int(status[:3])
        self.headers = headers
        return self._write

    def _write(self, data: bytes) -> None:
        self.body += data


def refusal(status: int) -> Reply:
    """Return the problem document of a request that never reaches the application."""
    reply = Reply()
    reply.status = status
    reply.body = problems.encoded(status, *problems.of_status(status), "zh")
    # What is still unread of the request is not waited for.
    reply.headers = [("content-type", problems.PROBLEM_JSON), ("connection", "close")]
    if status in RETRY_SECONDS:
        reply.headers.append(("retry-after", RETRY_SECONDS[status]))
    return reply


def run(application: Application, environ: dict[str, Any], body: bytes) -> Reply:
    """Return what the application answers; whatever it raises is answered with 500."""
    environ["wsgi.input"] = io.BytesIO(body)
    reply = Reply()
    try:
        parts = application(environ, reply.start)
        try:
            content = b"".join(parts)
        finally:
            close = getattr(parts, "close", None)
            if close is not None:
                close()
        reply.body = reply.body + content if reply.body else content
    except Exception:
        log.exception("application_failed")
        return refusal(500)
    return reply
