"""Files as request bodies and as replies, with their limits and their place in the document."""

from collections.abc import Callable
from typing import TypeVar
from urllib.parse import quote

from apiflask.fields import String
from apiflask.validators import OneOf
from flask import Response, request
from werkzeug.exceptions import RequestEntityTooLarge

from mall.kernel.files.names import to_be_saved
from mall.kernel.paper.document import Paper
from mall.kernel.paper.making import draw
from mall.web.fields import Schema
from mall.web.rooms import FILES, PAPERS, PICTURES, SHEETS, in_room

View = TypeVar("View", bound=Callable[..., object])
MEGABYTE = 1024 * 1024
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PDF, CSV, ZIP = "application/pdf", "text/csv", "application/zip"
IMAGES = ("image/jpeg", "image/png", "image/webp")
BINARY = "application/octet-stream"
PAPER_FORMATS = ("pdf", "xlsx")


class FormatQuery(Schema):
    """In which of two formats a paper is wanted."""

    format = String(load_default="pdf", validate=OneOf(PAPER_FORMATS))


def takes_file(*kinds: str) -> Callable[[View], View]:
    """Mark a view whose request body is a file of one of these media types; it has a room."""

    def mark(view: View) -> View:
        view._takes_file = kinds  # type: ignore[attr-defined]
        return in_room(PICTURES if set(kinds) <= set(IMAGES) else SHEETS)(view)

    return mark


def gives_file(*kinds: str) -> Callable[[View], View]:
    """Mark a view that answers with a file of one of these media types; it has a room.

    Where a picture may come out, a file is sent as it was stored; else one is made.
    """

    def mark(view: View) -> View:
        view._gives_file = kinds  # type: ignore[attr-defined]
        is_sent = any(kind.startswith("image/") for kind in kinds)
        return in_room(FILES if is_sent else PAPERS)(view)

    return mark


def sent_file(limit_bytes: int) -> bytes:
    """Return the request's body; raise 413 beyond the limit, before reading it where that is told."""
    request.max_content_length = limit_bytes
    content = request.get_data(cache=False)
    if len(content) > limit_bytes:
        raise RequestEntityTooLarge()
    return content


def disposition(name: str) -> str:
    """Return what tells a browser to save a file, and how it is called (RFC 6266, RFC 8187)."""
    saved = to_be_saved(name)
    plain = saved.encode("ascii", "replace").decode().replace("?", "_")
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(saved, safe='')}"


def attachment(content: bytes, kind: str, name: str) -> Response:
    """Return a file to be saved under a name, which may be Chinese; it is never shown in place."""
    response = Response(content, content_type=kind)
    response.headers["Content-Disposition"] = disposition(name)
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def paper_file(paper: Paper, name: str, kind: str) -> Response:
    """Return a paper to be saved under a name, as pdf or xlsx."""
    return attachment(draw(paper, kind), XLSX if kind == "xlsx" else PDF, f"{name}.{kind}")
