"""The one place that decides which token opens which address."""

from collections.abc import Callable
from functools import wraps
from typing import TypeVar, cast
from uuid import UUID

from flask import Flask, current_app, g, request

from mall.access import queries
from mall.access.rules import AUDIENCES, DutyMissing, Principal, Unauthenticated, WrongAudience
from mall.kernel import clock
from mall.kernel.db import current_direct

View = TypeVar("View", bound=Callable[..., object])


def public(view: View) -> View:
    """Mark a view that a guest may use; a token that comes along is still checked."""
    view._is_public = True  # type: ignore[attr-defined]
    return view


def audience_of(path: str) -> str | None:
    """Return the audience that a path belongs to, by its second part under /v1."""
    parts = path.split("/", 3)
    return parts[2] if len(parts) > 2 and parts[1] == "v1" and parts[2] in AUDIENCES else None


def current() -> Principal:
    """Return who is asking; raise Unauthenticated for a guest."""
    principal: Principal | None = g.get("principal")
    if principal is None:
        raise Unauthenticated()
    return principal


def current_member_id() -> UUID:
    """Return the member who is asking."""
    return current().subject_id


def needs_duty(duty: str) -> Callable[[View], View]:
    """Let only officers with this duty use a view; others get DutyMissing."""

    def mark(view: View) -> View:
        @wraps(view)
        def checked(*args: object, **kwargs: object) -> object:
            if duty not in current().duties:
                raise DutyMissing(duty)
            return view(*args, **kwargs)

        return cast(View, checked)

    return mark


def current_scope_id() -> UUID:
    """Return the supplier, union or store that the asking account acts for."""
    scope_id = current().scope_id
    if scope_id is None:
        raise WrongAudience()
    return scope_id


def _check() -> None:
    view = current_app.view_functions.get(request.endpoint or "")
    if view is None:
        return
    if getattr(view, "_guards_itself", False):
        return
    is_public = getattr(view, "_is_public", False)
    header = request.headers.get("Authorization", "")
    scheme, _, token = header.partition(" ")
    if not header and is_public:
        return
    if scheme.lower() != "bearer" or not token or len(token) > 200:
        raise Unauthenticated("Authorization")
    principal = queries.principal(current_direct(), token.strip(), clock.now())
    if principal is None:
        raise Unauthenticated("Authorization")
    wanted = audience_of(request.path)
    if wanted is not None and principal.audience != wanted:
        raise WrongAudience("Authorization")
    if wanted is None and not is_public:
        raise WrongAudience("Authorization")
    g.principal = principal


def install(app: Flask) -> None:
    """Guard every address: whatever is not marked public needs a token of its audience."""
    app.before_request(_check)
