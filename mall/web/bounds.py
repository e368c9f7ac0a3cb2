"""Numbers and structures of requests: no longer and no deeper than anything here can mean."""

import re

from flask import Flask, request
from werkzeug.exceptions import BadRequest
from werkzeug.routing import IntegerConverter

MAX_DEPTH, MAX_DIGITS = 32, 300
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)
_LONG_NUMBER = re.compile(rb"[0-9]{%d}" % (MAX_DIGITS + 1))


class BoundedInteger(IntegerConverter):
    """A whole number in a path; longer ones are no address of ours."""

    regex = "[0-9]{1,9}"


def is_too_deep(content: bytes) -> bool:
    """Tell whether JSON nests deeper than MAX_DEPTH, without reading it."""
    if content.count(b"[") + content.count(b"{") <= MAX_DEPTH:
        return False
    depth = 0
    for token in _TOKEN.finditer(content):
        first = token[0][:1]
        if first in b"[{":
            depth += 1
            if depth > MAX_DEPTH:
                return True
        elif first in b"]}":
            depth -= 1
    return False


def _check() -> None:
    if not request.is_json:
        return
    content = request.get_data(cache=True)
    # A text of so many digits is refused too: no field of ours takes one.
    if is_too_deep(content) or _LONG_NUMBER.search(content):
        raise BadRequest("nested too deeply, or a number of too many digits")


def install(app: Flask) -> None:
    """Refuse what parsers would trip over; before the addresses are registered."""
    app.url_map.converters["int"] = BoundedInteger
    app.before_request(_check)
