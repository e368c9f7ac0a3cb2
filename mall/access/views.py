"""Signing in and out for staff, out for everybody."""

from typing import Any

from apiflask import APIBlueprint
from flask import request

from mall.access import rules, service
from mall.access.guard import current, needs_no_duty, public
from mall.access.schemas import StaffSignIn, TokenReply
from mall.access.staff.service.signing_in import SignInAttempt, sign_in
from mall.kernel.uow import unit_of_work


def _sign_in(json_data: dict[str, str], audience: str) -> dict[str, Any]:
    address = rules.place_of(request.remote_addr)
    attempt = SignInAttempt(**json_data, audience=audience, address=address)
    with unit_of_work() as uow:
        outcome = sign_in(uow, attempt)
    if outcome.refusal is not None:
        raise outcome.refusal
    assert outcome.token is not None
    return {"token": outcome.token.token, "expires_at": outcome.token.expires_at}


def _blueprint(audience: str, tag: str) -> APIBlueprint:
    bp = APIBlueprint(f"access_{audience}", __name__, url_prefix=f"/v1/{audience}/session", tag=tag)

    if audience != rules.STORE:

        @bp.post("")
        @public
        @bp.input(StaffSignIn)
        @bp.output(TokenReply, 201)
        @bp.doc(
            summary="Sign in with user name and password",
            responses={429: "Too many wrong passwords from here: wait"},
        )
        def begin_session(json_data: dict[str, str]) -> dict[str, Any]:
            return _sign_in(json_data, audience)

    @bp.delete("")
    @needs_no_duty("anybody may leave")
    @bp.output({}, 204)
    @bp.doc(summary="Sign out: this token ends at once")
    def sign_out() -> tuple[str, int]:
        with unit_of_work() as uow:
            service.revoke_token(uow, current().token_id)
        return "", 204

    return bp


BLUEPRINTS = [
    _blueprint(rules.STORE, "Store: account"),
    _blueprint(rules.UNION, "Union"),
    _blueprint(rules.SUPPLIER, "Supplier"),
    _blueprint(rules.PICKUP, "Pickup"),
    _blueprint(rules.OPS, "Operations"),
]
