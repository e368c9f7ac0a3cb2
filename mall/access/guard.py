"""The one place that decides which token opens which address."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import TypeVar, cast
from uuid import UUID

from flask import Flask, current_app, g, request

from mall.access import queries
from mall.access.rules import (
    AUDIENCE_OF_ROLE,
    AUDIENCES,
    DUTIES_OF_ROLE,
    SECURED,
    STORE,
    DutyMissing,
    Principal,
    SecondFactorRequired,
    Unauthenticated,
    WrongAudience,
)
from mall.kernel import clock
from mall.kernel.db import current_pool
from mall.kernel.settings import current_settings

View = TypeVar("View", bound=Callable[..., object])
# Methods that change nothing.
READING = {"GET", "HEAD", "OPTIONS"}


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


@dataclass(frozen=True)
class Declared:
    """Who may use an operation of staff: whoever has a duty, everybody of an audience, or all staff."""

    duty: str | None = None
    audience: str | None = None
    reason: str = ""

    @property
    def refusal(self) -> str:
        """Return whom the operation refuses, for the document."""
        return f"An account without the duty `{self.duty}`" if self.duty else "Another audience"


def needs_duty(duty: str) -> Callable[[View], View]:
    """Let only staff with this duty use a view; others get DutyMissing."""

    def mark(view: View) -> View:
        @wraps(view)
        def checked(*args: object, **kwargs: object) -> object:
            if duty not in current().duties:
                raise DutyMissing(duty)
            is_required = duty in SECURED and current_settings().totp_required
            if is_required and not current().has_factor:
                raise SecondFactorRequired("Authorization")
            return view(*args, **kwargs)

        return _declaring(cast(View, checked), Declared(duty=duty))

    return mark


def open_to_all(audience: str) -> Callable[[View], View]:
    """Declare that everybody of an audience may use a view: its accounts have no duties for it."""
    return lambda view: _declaring(view, Declared(audience=audience))


def needs_no_duty(reason: str) -> Callable[[View], View]:
    """Declare that a view needs no duty, of whatever audience, and why."""
    return lambda view: _declaring(view, Declared(reason=reason))


def _declaring(view: View, declared: Declared) -> View:
    view._declared = declared  # type: ignore[attr-defined]
    return view


class DutyUndeclared(Exception):
    """Operations that change something do not say who may use them: the service does not start."""


def check_declared(app: Flask) -> None:
    """Raise DutyUndeclared where an operation of staff changes something and declares no duty."""
    wrong = []
    for rule in app.url_map.iter_rules():
        audience, methods = audience_of(rule.rule), (rule.methods or set()) - READING
        view = app.view_functions[rule.endpoint]
        if audience in (None, STORE) or not methods or getattr(view, "_is_public", False):
            continue
        found: Declared | None = getattr(view, "_declared", None)
        if found is None or not _fits(found, audience):
            wrong.append(f"{', '.join(sorted(methods))} {rule.rule}: {found or 'nothing declared'}")
    if wrong:
        raise DutyUndeclared("; ".join(wrong))


def _fits(declared: Declared, audience: str | None) -> bool:
    if declared.duty is not None:
        roles = [role for role, opens in AUDIENCE_OF_ROLE.items() if opens == audience]
        return any(declared.duty in DUTIES_OF_ROLE[role] for role in roles)
    return declared.audience == audience or bool(declared.reason)


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
    wanted = audience_of(request.path)
    principal = queries.principal(current_pool(), token.strip(), clock.now(), wanted)
    if principal is None:
        raise Unauthenticated("Authorization")
    if wanted is not None and principal.audience != wanted:
        raise WrongAudience("Authorization")
    if wanted is None and not is_public:
        raise WrongAudience("Authorization")
    g.principal = principal


def install(app: Flask) -> None:
    """Guard every address: whatever is not marked public needs a token of its audience."""
    app.before_request(_check)
