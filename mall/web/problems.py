"""Every failure as an RFC 9457 problem document with a stable code and two languages."""

import re
from typing import Any

import orjson
import psycopg
import structlog
from flask import Flask, Response, request
from sqlalchemy.exc import DBAPIError
from werkzeug.exceptions import HTTPException

from mall.kernel.errors import DomainError
from mall.web.constraints import refusal_of

log = structlog.get_logger(__name__)
PROBLEM_JSON = "application/problem+json"

# By HTTP status: code, and the sentences in Chinese and English.
HTTP_SENTENCES = {
    400: ("bad_request", "请求格式有误。", "The request is malformed."),
    401: ("unauthenticated", "请先登录。", "Please sign in."),
    403: ("forbidden", "没有权限。", "You may not do this."),
    404: ("not_found", "没有找到该地址。", "There is nothing at this address."),
    405: ("method_not_allowed", "该地址不支持此方法。", "This address does not take this method."),
    408: (
        "request_timeout",
        "请求内容未及时送达，请重试。",
        "The request did not arrive in time; send it again.",
    ),
    409: ("conflict", "当前状态不允许该操作。", "This cannot be done as things are."),
    412: (
        "version_conflict",
        "内容已被他人修改，请重新读取。",
        "It has changed since you read it.",
    ),
    413: ("too_large", "请求内容过大。", "The request is too large."),
    415: (
        "unsupported_media_type",
        "请以 application/json 提交。",
        "Send the body as application/json.",
    ),
    422: (
        "validation_failed",
        "提交的内容有误，请查看 errors。",
        "Some values are wrong; see errors.",
    ),
    429: ("too_many_requests", "请求过于频繁，请稍后再试。", "Too many requests; try again later."),
    500: (
        "internal_error",
        "系统出错，已记录。",
        "Something failed on our side; it has been recorded.",
    ),
    502: ("payment_gateway_refused", "支付平台拒绝了请求。", "WeChat Pay refused the request."),
    503: ("busy", "系统繁忙，请稍后重试。", "The service is busy; retry shortly."),
}

# marshmallow's own English sentences, by pattern, in Chinese.
_ZH_VALIDATION = [
    (r"Missing data for required field", "必填。"),
    (r"Unknown field", "未知的字段。"),
    (r"Field may not be null", "不能为空。"),
    (r"Field may not be blank", "不能为空白。"),
    (r"Not a valid integer", "必须是整数。"),
    (r"Not a valid string", "必须是文本。"),
    (r"Not a valid boolean", "必须是真或假。"),
    (r"Not a valid UUID", "不是有效的编号。"),
    (r"Not a valid list", "必须是列表。"),
    (r"Not a valid (mapping|dict)", "必须是对象。"),
    (r"Not a valid datetime", "不是有效的时间（RFC 3339）。"),
    (r"Not a valid date", "不是有效的日期（年-月-日）。"),
    (r"Must be from (\d{4}) to 2100", r"必须在 \1 年至 2100 年之间。"),
    (r"Not a valid aware datetime", "时间须带时区（RFC 3339）。"),
    (r"Not a valid URL", "不是有效的网址。"),
    (r"Not a valid timestamp", "不是有效的时间。"),
    (r"Invalid input type", "内容类型有误。"),
    (r"Must be one of: (.+)\.", r"必须是其中之一：\1。"),
    (
        r"Must be greater than or equal to (-?\d+) and less than or equal to (-?\d+)",
        r"必须在 \1 到 \2 之间。",
    ),
    (r"Must be greater than or equal to (-?\d+)", r"不能小于 \1。"),
    (r"Must be less than or equal to (-?\d+)", r"不能大于 \1。"),
    (r"Longer than maximum length (\d+)", r"长度不能超过 \1。"),
    (r"Shorter than minimum length (\d+)", r"长度不能少于 \1。"),
    (r"Length must be between (\d+) and (\d+)", r"长度必须在 \1 到 \2 之间。"),
    (r"String does not match expected pattern", "格式不正确。"),
    (r"Must be the address of an image", "必须是在本系统上传的图片的地址。"),
    (r"Invalid JSON body", "请求内容不是有效的 JSON。"),
]


def _in_chinese(message: str) -> str:
    for pattern, chinese in _ZH_VALIDATION:
        match = re.match(pattern, message)
        if match:
            return match.expand(chinese)
    return message


def language() -> str:
    """Return `en` when the client prefers English, else `zh`."""
    return request.accept_languages.best_match(["zh", "en"], default="zh") or "zh"


def encoded(
    status: int, code: str, sentences: tuple[str, str], shown: str, /, **members: Any
) -> bytes:
    """Return the document as JSON; `sentences` are Chinese and English, `shown` is its language."""
    zh, en = sentences
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


def problem(status: int, code: str, sentences: tuple[str, str], /, **members: Any) -> Response:
    """Build the document; `sentences` are Chinese and English."""
    content = encoded(status, code, sentences, language(), **members)
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
    code, zh, en = HTTP_SENTENCES[422]
    field = errors[0]["field"] if errors else None
    return problem(422, code, (zh, en), field=field, errors=errors)


def on_domain_error(error: DomainError) -> Response:
    """Answer a refused use case."""
    reply = problem(
        error.status,
        error.code,
        (error.sentence("zh"), error.sentence("en")),
        field=error.field,
        **{key: value for key, value in error.details.items() if key not in ("zh", "en")},
    )
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
    code, zh, en = HTTP_SENTENCES.get(status, HTTP_SENTENCES[500 if status >= 500 else 400])
    reply = problem(status, code, (zh, en))
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
        sentences = (refusal.zh, refusal.en)
        return problem(refusal.status, refusal.code, sentences, field=refusal.field)
    status = 503 if isinstance(cause, psycopg.OperationalError) else 500
    code, zh, en = HTTP_SENTENCES[status]
    reply = problem(status, code, (zh, en))
    if status == 503:
        reply.headers["Retry-After"] = "1"
    return reply


def on_unstorable(error: Exception) -> Response:
    """Answer 422 for text with NUL or half a pair of surrogates, and numbers beyond any column."""
    return problem(
        422,
        "unstorable_value",
        (
            "提交的内容含有无法保存的字符或过大的数字。",
            "Some text has characters, or some number a size, that cannot be stored.",
        ),
    )


def on_unexpected(error: Exception) -> Response:
    """Answer 500 without a word of the inside; the log has it."""
    log.exception("unexpected_error")
    code, zh, en = HTTP_SENTENCES[500]
    return problem(500, code, (zh, en))


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
