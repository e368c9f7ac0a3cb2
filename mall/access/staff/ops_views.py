"""Operators open accounts and answer who forgot a password; what holds value takes two of them."""

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint

from mall.access import queries as access_queries
from mall.access import rules as access_rules
from mall.access import service as access_service
from mall.access.guard import current, needs_duty
from mall.access.models import StaffChange
from mall.access.rules import ACCOUNTS
from mall.access.staff.schemas import (
    AccountChange,
    ChangePage,
    ChangeQuery,
    DecidedReply,
    DutiesBody,
    InviteReply,
    OperatorBody,
    OperatorList,
    RequestList,
)
from mall.access.staff.service import changes, factors, invitations
from mall.access.staff.service.changes import DecidedChange
from mall.kernel.uow import reading, unit_of_work
from mall.web.fields import page, values_of

bp = APIBlueprint("accounts_ops", __name__, url_prefix="/v1/ops", tag="Operations")
MAX_REQUESTS = 200
TWO = "Two persons: another operator with `accounts` confirms it and gets the invitation."


def change_reply(change: StaffChange) -> dict[str, Any]:
    """Return a change while its transaction is open."""
    return values_of(change, AccountChange)


def _decided(decided: DecidedChange) -> dict[str, Any]:
    return {**change_reply(decided.change), "invitation": decided.invitation}


def masked(phone: str | None) -> str | None:
    """Return a phone with its middle hidden."""
    return f"{phone[:3]}****{phone[-4:]}" if phone else None


@bp.get("/operators")
@bp.output(OperatorList)
@bp.doc(summary="List the operators with their duties")
def list_operators() -> dict[str, Any]:
    with unit_of_work() as uow:
        found = access_queries.operators(uow.session)
        with_one = factors.with_one(uow, [each.id for each in found])
        names = ("id", "username", "display_name", "duties", "is_active", "created_at")
        items = [
            {name: getattr(each, name) for name in names}
            | {
                "phone": masked(each.phone),
                "has_totp": each.id in with_one,
                "is_person_confirmed": each.person_confirmed_at is not None,
            }
            for each in found
        ]
    return {"items": items}


@bp.post("/operators")
@needs_duty(ACCOUNTS)
@bp.input(OperatorBody)
@bp.output(AccountChange, 202)
@bp.doc(summary="Propose an account for an operator", description=TWO)
def propose_operator(json_data: dict[str, Any]) -> dict[str, Any]:
    duties = tuple(json_data.pop("duties"))
    new = access_service.NewStaff(
        **json_data, password=None, role=access_rules.OPERATOR, duties=duties
    )
    with unit_of_work() as uow:
        return change_reply(changes.propose_open(uow, new, current().subject_id))


@bp.put("/operators/<uuid:account_id>/duties")
@needs_duty(ACCOUNTS)
@bp.input(DutiesBody)
@bp.output(AccountChange, 202)
@bp.doc(summary="Propose other duties for another operator", description=TWO)
def propose_duties(account_id: UUID, json_data: dict[str, Any]) -> dict[str, Any]:
    with unit_of_work() as uow:
        return change_reply(
            changes.propose_duties(uow, account_id, json_data["duties"], current().subject_id)
        )


@bp.delete("/operators/<uuid:account_id>")
@needs_duty(ACCOUNTS)
@bp.output({}, 204)
@bp.doc(summary="Close another operator's account; its sessions end at once")
def close_operator(account_id: UUID) -> tuple[str, int]:
    with unit_of_work() as uow:
        access_service.close_colleague(uow, current().subject_id, None, account_id)
    return "", 204


@bp.post("/accounts/<uuid:account_id>/invitation")
@needs_duty(ACCOUNTS)
@bp.output(InviteReply, 201)
@bp.doc(
    summary="Invite somebody again: to a new password and, where one was set, a new second factor",
    description="Of a supplier or a store: at once. Of operators and officers another operator"
    " confirms it and gets the invitation.",
)
def invite(account_id: UUID) -> dict[str, Any]:
    by = current()
    with unit_of_work() as uow:
        account = access_service.get_account(uow, account_id)
        if account.role in access_rules.TWO_PERSONS:
            change = changes.propose_invitation(uow, account, by.subject_id)
            return {"change": change_reply(change), "invitation": None}
        return {"change": None, "invitation": invitations.issue(uow, account, by.name)}


@bp.get("/accounts/changes")
@bp.input(ChangeQuery, location="query")
@bp.output(ChangePage)
@bp.doc(summary="List what was proposed about accounts, newest first")
def list_changes(query_data: dict[str, Any]) -> dict[str, Any]:
    limit = query_data["limit"]
    with reading() as session:
        found = changes.waiting(session, query_data["state"], query_data["cursor"], limit)
        return page(found, limit, change_reply)


@bp.post("/accounts/changes/<uuid:change_id>/confirm")
@needs_duty(ACCOUNTS)
@bp.output(DecidedReply)
@bp.doc(
    summary="Confirm what another person proposed about an account",
    description="The answer has the invitation, where it gives one: readable only now.",
    responses={409: "Decided already, or proposed by or about you"},
)
def confirm_change(change_id: UUID) -> dict[str, Any]:
    with unit_of_work() as uow:
        return _decided(changes.confirm(uow, change_id, current().subject_id))


@bp.post("/accounts/changes/<uuid:change_id>/reject")
@needs_duty(ACCOUNTS)
@bp.output(DecidedReply)
@bp.doc(summary="Turn down what was proposed about an account, or take one's own back")
def reject_change(change_id: UUID) -> dict[str, Any]:
    with unit_of_work() as uow:
        return _decided(changes.reject(uow, change_id, current().subject_id))


@bp.get("/password-requests")
@bp.output(RequestList)
@bp.doc(summary="List who forgot a password and waits for an invitation, longest first")
def list_requests() -> dict[str, Any]:
    with reading() as session:
        return {"items": invitations.requests(session, MAX_REQUESTS)}
