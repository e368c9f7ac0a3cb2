"""How often somebody may do what costs much: one table, counted in Valkey (docs/adr/0030)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from flask import Flask, Response, g, request
from flask_limiter import HeaderNames, Limiter
from redis import Redis

from mall.web.counts import SCHEME
from mall.web.rooms import GATEWAYS, PAPERS, PASSWORDS, PICTURES, SHEETS


@dataclass(frozen=True)
class Quota:
    """How often an operation may be done, and counted by what."""

    name: str
    most: str
    about: str
    # By address even where somebody is signed in.
    is_by_address: bool = False
    # Only what was refused counts.
    counts_failures: bool = False


SIGN_IN = Quota(
    "sign_in", "30 per minute;300 per hour", "Sign-ins that fail", True, counts_failures=True
)
PHONE = Quota("phone_code", "10 per hour", "Binding a phone number by a code of WeChat's")
APPLICATION = Quota("application", "10 per hour;30 per day", "Applying as a supplier", True)
CLAIM = Quota("claim", "30 per hour", "Claiming a place in a roster")
UPLOAD = Quota("upload", "120 per hour", "Uploading sheets, archives and documents")
IMAGE = Quota("image", "60 per minute;1200 per day", "Uploading images")
PAPER = Quota("paper", "60 per minute;1000 per day", "Papers and exports")
SEARCH = Quota("search", "300 per minute", "Searching by words, and suggestions")
QUOTAS = (SIGN_IN, PHONE, APPLICATION, CLAIM, UPLOAD, IMAGE, PAPER, SEARCH)

# By method and address; what is a file is known by its view's mark.
_BY_RULE = {
    ("POST", "/v1/supplier/applications"): APPLICATION,
    ("PUT", "/v1/store/me/phone"): PHONE,
    ("POST", "/v1/store/me/staff-account"): SIGN_IN,
    ("PUT", "/v1/store/me/employment"): CLAIM,
    ("GET", "/v1/store/products"): SEARCH,
    ("GET", "/v1/store/search/suggestions"): SEARCH,
    ("GET", "/v1/store/search/hot-words"): SEARCH,
}
_BY_ROOM = {SHEETS: UPLOAD, PICTURES: IMAGE, PAPERS: PAPER}
_ROOM_BY_RULE = {
    ("POST", "/v1/store/session"): GATEWAYS,
    ("PUT", "/v1/store/me/phone"): GATEWAYS,
    ("POST", "/v1/store/me/staff-account"): PASSWORDS,
    ("POST", "/v1/store/orders/<uuid:order_id>/payments"): GATEWAYS,
}


def _address() -> str:
    return f"address:{request.remote_addr}"


def _caller() -> str:
    principal = g.get("principal")
    return _address() if principal is None else f"account:{principal.name}"


def _is_refused(response: Response) -> bool:
    return response.status_code in (400, 401, 403, 422, 429)


def _is_no_search() -> bool:
    return request.endpoint is not None and not request.args.get("q")


def _views(app: Flask) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield each endpoint with a method and the rule of its address."""
    for rule in app.url_map.iter_rules():
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            yield rule.endpoint, (method, rule.rule)


def _quota_of(operation: tuple[str, str], view: Callable[..., object]) -> Quota | None:
    method, rule = operation
    if method == "POST" and rule.endswith("/session"):
        return SIGN_IN
    return _BY_RULE.get(operation) or _BY_ROOM.get(getattr(view, "_room", ""))


def _room_of(operation: tuple[str, str]) -> str | None:
    method, rule = operation
    if operation in _ROOM_BY_RULE:
        return _ROOM_BY_RULE[operation]
    return PASSWORDS if method == "POST" and rule.endswith("/session") else None


def install(app: Flask, valkey: Redis, is_enabled: bool) -> None:
    """Put quotas and rooms on the views of the table; after all are registered."""
    limiter = Limiter(
        _caller,
        app=app,
        enabled=is_enabled,
        storage_uri=f"{SCHEME}://",
        storage_options={"connection": valkey},  # type: ignore[dict-item]
        strategy="fixed-window",
        key_prefix="mall",
        swallow_errors=True,
        headers_enabled=True,
        header_name_mapping={
            HeaderNames.LIMIT: "RateLimit-Limit",
            HeaderNames.REMAINING: "RateLimit-Remaining",
            HeaderNames.RESET: "RateLimit-Reset",
        },
        retry_after="delta-seconds",
    )
    # Its decorators refer to it weakly.
    app.extensions["mall_limiter"] = limiter
    for endpoint, operation in _views(app):
        view: Any = app.view_functions[endpoint]
        room, quota = _room_of(operation), _quota_of(operation, view)
        if quota is not None:
            view = limiter.shared_limit(
                quota.most,
                scope=quota.name,
                key_func=_address if quota.is_by_address else _caller,
                deduct_when=_is_refused if quota.counts_failures else None,
                exempt_when=_is_no_search if operation == ("GET", "/v1/store/products") else None,
            )(view)
            view._quota = quota
        if room is not None:
            view._room = room
        app.view_functions[endpoint] = view
