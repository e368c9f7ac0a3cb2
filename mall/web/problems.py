"""Every failure as an RFC 9457 problem document with a stable code and two languages."""

import re
from typing import Any

import orjson
import psycopg
import structlog
from flask import Flask, Response, request
from sqlalchemy.exc import DBAPIError
from werkzeug.exceptions import HTTPException

from mall.kernel.errors import DomainError, ReasonedError
from mall.kernel.text import wording
from mall.kernel.text.wording import Finding, Wording
from mall.web.constraints import refusal_of, wording_of

log = structlog.get_logger(__name__)
PROBLEM_JSON = "application/problem+json"


def _in_chinese(message: str) -> str:
    """Return what marshmallow, or a field of ours, says in English."""
    for pattern, chinese in wording.validation():
        match = re.match(pattern, message)
        if match:
            return match.expand(chinese)
    return message


def of_status(status: int) -> tuple[str, Wording]:
    """Return code and words of what the framework refused; of a like status where it has none."""
    known = wording.catalogue()
    key = next(
        key
        for key in (f"http.{status}", "http.500" if status >= 500 else "http.400")
        if key in known
    )
    return known[key].code or "", Wording(key)


def language() -> str:
    """Return `en` when the client prefers English, else `zh`."""
    return request.accept_languages.best_match(["zh", "en"], default="zh") or "zh"


def encoded(status: int, code: str, words: Wording, shown: str, /, **members: Any) -> bytes:
    """Return the document as JSON; `shown` is its language."""
    zh, en = words.zh, words.en
    document = {
        "type": f"urn:mall:problem:{code}",
        "title": en if shown == "en" else zh,
        "status": status,
        "code": code,
        "detail": en if shown == "en" else zh,
        "detail_zh": zh,
        "detail_en": en,
        **{name: value for name, value in members.items() if value is not None},
    }
    return orjson.dumps(document, default=str)


def problem(status: int, code: str, words: Wording, /, **members: Any) -> Response:
    """Build the document in the client's language."""
    content = encoded(status, code, words, language(), **members)
    return Response(content, status, content_type=PROBLEM_JSON)


def _flatten(messages: Any, path: str = "") -> list[dict[str, str]]:
    if isinstance(messages, dict):
        found = []
        for key, value in messages.items():
            name = path if key == "_schema" else f"{path}.{key}" if path else str(key)
            found.extend(_flatten(value, name))
        return found
    texts = messages if isinstance(messages, list) else [messages]
    return [
        {"field": path, "detail_zh": _in_chinese(str(item)), "detail_en": str(item)}
        for item in texts
    ]


def validation_problem(messages: dict[str, Any]) -> Response:
    """Answer 422 with one entry for each wrong field; the first names the document's field."""
    errors = [entry for part in messages.values() for entry in _flatten(part)]
    field = errors[0]["field"] if errors else None
    return problem(422, *of_status(422), field=field, errors=errors)


def members_of(error: DomainError) -> dict[str, Any]:
    """Return what a document says beside its sentences: the details, each name in both languages."""
    members: dict[str, Any] = {}
    for name, detail in error.details.items():
        if isinstance(detail, Wording):
            members |= {name: detail.en, f"{name}_zh": detail.zh}
        elif isinstance(detail, list):
            members[name] = [each.shown() if isinstance(each, Finding) else each for each in detail]
        else:
            members[name] = detail
    if isinstance(error, ReasonedError):
        members["reason"] = error.reason
    return members


def on_domain_error(error: DomainError) -> Response:
    """Answer a refused use case."""
    status = wording.status_of(error.code)
    reply = problem(status, error.code, error.wording, field=error.field, **members_of(error))
    retry_after = error.details.get("retry_after_seconds")
    if retry_after is not None:
        reply.headers["Retry-After"] = str(retry_after)
    return reply


def on_http_error(error: Any) -> Response:
    """Answer what the framework refused: its validation, its routing, its limits."""
    status = getattr(error, "status_code", None) or getattr(error, "code", None) or 500
    detail = getattr(error, "detail", None)
    if status == 422 and isinstance(detail, dict) and detail:
        return validation_problem(detail)
    reply = problem(status, *of_status(status))
    for name, value in dict(getattr(error, "headers", None) or {}).items():
        if name.lower() in {"allow", "retry-after"}:
            reply.headers[name] = value
    return reply


def on_database_error(error: DBAPIError | psycopg.Error) -> Response:
    """Answer 503 where waiting helps, 500 otherwise; the transaction is already undone.

    Waiting helps with deadlocks, locks and cancelled statements too: all are operational errors.
    """
    cause = error.orig if isinstance(error, DBAPIError) else error
    # Never the message: its details quote the row.
    known = getattr(cause, "diag", None)
    sqlstate, constraint = getattr(cause, "sqlstate", None), getattr(known, "constraint_name", None)
    log.warning(
        "database_error",
        error=type(cause).__name__,
        sqlstate=sqlstate,
        constraint=constraint,
        table=getattr(known, "table_name", None),
    )
    if isinstance(cause, psycopg.DataError):
        return on_unstorable(cause)
    refusal = refusal_of(sqlstate, constraint)
    if refusal is not None:
        words = wording_of(refusal, constraint)
        return problem(wording.status_of(refusal.code), refusal.code, words, field=refusal.field)
    status = 503 if isinstance(cause, psycopg.OperationalError) else 500
    reply = problem(status, *of_status(status))
    if status == 503:
        reply.headers["Retry-After"] = "1"
    return reply


def on_unstorable(error: Exception) -> Response:
    """Answer 422 for text with NUL or half a pair of surrogates, and numbers beyond any column."""
    code = "unstorable_value"
    return problem(wording.status_of(code), code, Wording(f"refusals.{code}"))


def on_unexpected(error: Exception) -> Response:
    """Answer 500 without a word of the inside; the log has it."""
    log.exception("unexpected_error")
    return problem(500, *of_status(500))


def install(app: Flask) -> None:
    """Register the handlers on the application."""
    app.register_error_handler(DomainError, on_domain_error)
    app.register_error_handler(DBAPIError, on_database_error)
    app.register_error_handler(psycopg.Error, on_database_error)
    app.register_error_handler(UnicodeEncodeError, on_unstorable)
    # Days and times beyond the calendar, reached by reckoning.
    app.register_error_handler(OverflowError, on_unstorable)
    app.register_error_handler(HTTPException, on_http_error)
    app.register_error_handler(Exception, on_unexpected)
