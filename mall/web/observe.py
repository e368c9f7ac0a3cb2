"""Request ids, structured logs and Prometheus metrics of the web process."""

import hmac
import logging
import os
import re
import sys
import time
from collections.abc import Iterable
from functools import lru_cache
from typing import Any
from uuid import uuid4

import structlog
from flask import Flask, Response, g, request
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector
from werkzeug.exceptions import Forbidden

REQUESTS = Counter("mall_http_requests_total", "Requests answered", ["route", "method", "status"])
LATENCY = Histogram(
    "mall_http_request_seconds",
    "Time to answer",
    ["route"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
LOOPBACK = {"127.0.0.1", "::1"}
# Pages are the documents alone; their scripts are our own files and a few lines within.
PAGE_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_REQUEST_ID = re.compile(r"[A-Za-z0-9_.:-]{8,64}")
_DETAIL = re.compile(r"\n?DETAIL:[^\n]*")
# A phone number in a log line keeps its first three and last four digits.
_PHONE = re.compile(r"(?<!\d)(1[3-9]\d)\d{4}(\d{4})(?!\d)")


def _mask(
    _logger: object, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    for key, value in event.items():
        if isinstance(value, str):
            # What the database says in detail quotes the row.
            value = _DETAIL.sub("", value) if "DETAIL" in value else value
            event[key] = _PHONE.sub(r"\1****\2", value)
    return event


def configure_logging(level: str) -> None:
    """Write JSON lines to standard error, with phone numbers masked."""
    logging.basicConfig(level=level, format="%(message)s", stream=sys.stderr)
    logging.getLogger("wechatpy").setLevel(logging.WARNING)
    logging.getLogger("urllib3").setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _mask,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


@lru_cache(4096)
def _requests(route: str, method: str, status: int) -> Counter:
    return REQUESTS.labels(route, method, status)


@lru_cache(1024)
def _latency(route: str) -> Histogram:
    return LATENCY.labels(route)


def _may_read_metrics(token: str, trusts_machine: bool) -> bool:
    """Tell whether who asks has the token; where none is set, whether this machine is trusted.

    A proxy on this machine asks for others: then the token is needed.
    """
    if token:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return hmac.compare_digest(given.encode(), token.encode())
    if not trusts_machine:
        return False
    is_for_another = any(name in request.headers for name in ("Forwarded", "X-Forwarded-For"))
    return (request.remote_addr or "") in LOOPBACK and not is_for_another


def exposition(collectors: Iterable[Any]) -> bytes:
    """Return all metrics as Prometheus reads them: of this process, or of all that share a folder."""
    registry = CollectorRegistry()
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        MultiProcessCollector(registry)
    else:
        registry.register(REGISTRY)
    for collector in collectors:
        registry.register(collector)
    return generate_latest(registry)


def _say_what_browsers_may_do(response: Response) -> None:
    headers = response.headers
    headers.setdefault("X-Content-Type-Options", "nosniff")
    if "Authorization" in request.headers or request.method not in ("GET", "HEAD"):
        # What one person was told is kept by nobody on the way.
        headers.setdefault("Cache-Control", "no-store")
    if response.mimetype == "text/html":
        for name, value in PAGE_HEADERS.items():
            headers.setdefault(name, value)


def install(app: Flask, metrics_token: str, trusts_machine: bool) -> None:
    """Count, time and name every request."""
    log = structlog.get_logger("mall.http")

    @app.before_request
    def begin() -> None:
        given = request.headers.get("X-Request-Id", "")
        g.request_id = given if _REQUEST_ID.fullmatch(given) else uuid4().hex
        g.began = time.perf_counter()
        structlog.contextvars.bind_contextvars(request_id=g.request_id)

    @app.after_request
    def finish(response: Response) -> Response:
        route = request.url_rule.rule if request.url_rule else "(none)"
        seconds = time.perf_counter() - g.get("began", time.perf_counter())
        # Anybody may invent a method; a series of metrics stays for ever.
        method = request.method if request.method in METHODS else "OTHER"
        _requests(route, method, response.status_code).inc()
        _latency(route).observe(seconds)
        response.headers["X-Request-Id"] = g.get("request_id", "")
        _say_what_browsers_may_do(response)
        if response.status_code >= 400:
            log.info(
                "request",
                method=request.method,
                path=request.path,
                status=response.status_code,
                milliseconds=round(seconds * 1000, 1),
            )
        structlog.contextvars.unbind_contextvars("request_id")
        return response

    @app.get("/metrics")
    def metrics() -> Response:
        """Prometheus metrics of all processes that share PROMETHEUS_MULTIPROC_DIR, or of this one."""
        if not _may_read_metrics(metrics_token, trusts_machine):
            raise Forbidden()
        content = exposition(app.extensions.get("mall_collectors", ()))
        return Response(content, content_type=CONTENT_TYPE_LATEST)

    metrics._is_public = True  # type: ignore[attr-defined]
    # Its token is no session's.
    metrics._guards_itself = True  # type: ignore[attr-defined]
    metrics._spec = {"hide": True}  # type: ignore[attr-defined]
