"""Staff of every audience keeps its own account."""

from typing import Any

from apiflask import APIBlueprint

from mall.access import rules as access_rules
from mall.access import service as access_service
from mall.access.guard import current, needs_no_duty, public
from mall.access.staff.schemas import (
    AcceptBody,
    AcceptReply,
    CodeBody,
    FactorReply,
    Forgotten,
    OwnAccount,
    PasswordBody,
    PasswordChange,
    RecoveryReply,
)
from mall.access.staff.service import invitations, own_account
from mall.kernel.uow import unit_of_work

OWN = "everybody keeps their own account"
SLOWED = {429: "Too many wrong passwords or codes: wait"}


def _blueprint(audience: str, tag: str) -> APIBlueprint:
    bp = APIBlueprint(f"account_{audience}", __name__, url_prefix=f"/v1/{audience}", tag=tag)
    _passwords(bp, audience)
    _factors(bp)

    @bp.get("/account")
    @bp.output(OwnAccount)
    @bp.doc(summary="Read one's own account, its duties and whether it has a second factor")
    def read_account() -> dict[str, Any]:
        with unit_of_work() as uow:
            account = access_service.get_account(uow, current().subject_id)
            names = ("id", "username", "display_name", "duties")
            shown = {name: getattr(account, name) for name in names}
            shown["is_person_confirmed"] = account.person_confirmed_at is not None
        return {**shown, "has_totp": current().has_factor}

    return bp


def _passwords(bp: APIBlueprint, audience: str) -> None:
    @bp.post("/password")
    @needs_no_duty(OWN)
    @bp.input(PasswordChange)
    @bp.output({}, 204)
    @bp.doc(summary="Change one's own password; every other session ends", responses=SLOWED)
    def change_password(json_data: dict[str, str]) -> tuple[str, int]:
        with unit_of_work() as uow:
            refusal = own_account.check_password(uow, current(), json_data["current_password"])
            if refusal is None:
                own_account.change_password(uow, current(), json_data["new_password"])
            else:
                uow.outcome = refusal.code
        if refusal is not None:
            raise refusal
        return "", 204

    @bp.post("/password/forgotten")
    @public
    @bp.input(Forgotten)
    @bp.output({}, 202)
    @bp.doc(
        summary="Ask operators for an invitation to choose a new password",
        description="The answer is the same whether there is such an account or not.",
    )
    def forgotten(json_data: dict[str, str]) -> tuple[dict[str, str], int]:
        with unit_of_work() as uow:
            invitations.ask(uow, audience, json_data["username"])
        return {}, 202

    @bp.post("/password/invitation")
    @public
    @bp.input(AcceptBody)
    @bp.output(AcceptReply)
    @bp.doc(
        summary="Choose the password of the account that one is invited to",
        description="The code works once, for a day. Every session and the second factor end.",
    )
    def accept(json_data: dict[str, str]) -> dict[str, str]:
        with unit_of_work() as uow:
            account = invitations.accept(uow, audience, **json_data)
            return {"username": account.username}


def _factors(bp: APIBlueprint) -> None:
    @bp.post("/totp")
    @needs_no_duty(OWN)
    @bp.input(PasswordBody)
    @bp.output(FactorReply, 201)
    @bp.doc(
        summary="Begin to set a second factor up: a secret for an app of one-time passwords",
        responses=SLOWED,
    )
    def begin_factor(json_data: dict[str, str]) -> dict[str, str]:
        with unit_of_work() as uow:
            refusal = own_account.check_password(uow, current(), json_data["password"])
            found = own_account.begin_factor(uow, current()) if refusal is None else {}
            uow.outcome = refusal.code if refusal else uow.outcome
        if refusal is not None:
            raise refusal
        return found

    @bp.post("/totp/confirm")
    @needs_no_duty(OWN)
    @bp.input(CodeBody)
    @bp.output(RecoveryReply)
    @bp.doc(
        summary="Take the second factor into use by a code of it; every other session ends",
        description="Answers ten recovery codes, each good once where the phone is not at hand.",
        responses=SLOWED,
    )
    def confirm_factor(json_data: dict[str, str]) -> dict[str, Any]:
        with unit_of_work() as uow:
            codes = own_account.confirm_factor(uow, current(), json_data["code"])
            uow.outcome = access_rules.TotpWrong.code if codes is None else uow.outcome
        if codes is None:
            raise access_rules.TotpWrong("code")
        return {"recovery_codes": codes}


BLUEPRINTS = [
    _blueprint(access_rules.UNION, "Union"),
    _blueprint(access_rules.SUPPLIER, "Supplier"),
    _blueprint(access_rules.PICKUP, "Pickup"),
    _blueprint(access_rules.OPS, "Operations"),
]
