"""A union pays, issues, follows, changes and ends its programmes."""

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from flask import request

from mall.access.guard import current, current_scope_id, needs_duty
from mall.access.rules import APPROVES, HANDLES
from mall.approvals.service import authors
from mall.kernel.uow import reading, unit_of_work
from mall.members.service import unions
from orders.collective import queries, rules
from orders.collective.models import ProgrammeChange
from orders.collective.schemas import (
    BillReply,
    ChangeBody,
    ChangeDecision,
    ChangeList,
    ChangeReply,
    CloseBody,
    FundingReply,
    NativeReply,
    ProgressReply,
    RecipientPage,
    RecipientQuery,
    RemindedReply,
    TransferBody,
)
from orders.collective.service import changing, closing, funding, issuing, telling
from orders.collective.service.funding import Transfer
from orders.entitlements import queries as entitlement_queries
from orders.payments import process as payment_process
from orders.programmes import queries as programme_queries
from orders.programmes.union_views import officer

bp = APIBlueprint("collective", __name__, url_prefix="/v1/union/programmes", tag="Union")


@bp.get("/<uuid:programme_id>/bill")
@bp.output(BillReply)
@bp.doc(summary="Read what a programme costs, what was paid, and what is due or too much")
def read_bill(programme_id: UUID) -> dict[str, Any]:
    with reading() as session:
        programme = programme_queries.programme_of_union(session, current_scope_id(), programme_id)
        return queries.bill_of(session, programme)


@bp.post("/<uuid:programme_id>/transfers")
@needs_duty(HANDLES)
@bp.input(TransferBody)
@bp.output(FundingReply, 201)
@bp.doc(
    summary="Announce a bank transfer; an operator confirms it",
    description="Partial transfers are fine. A bank reference is taken once.",
)
def record_transfer(programme_id: UUID, json_data: dict[str, Any]) -> dict[str, Any]:
    with unit_of_work() as uow:
        by = authors.signer(uow, current())
        row = funding.record_of_union(
            uow, current_scope_id(), programme_id, by, Transfer(**json_data)
        )
        return queries.funding_of(row)


@bp.post("/<uuid:programme_id>/payments")
@needs_duty(HANDLES)
@bp.output(NativeReply, 201)
@bp.doc(
    summary="Begin to pay what is due by a WeChat QR code, for small amounts",
    description="Repeating it is safe: the open payment is used again.",
    responses={409: "Nothing is due", 422: "Too much for a QR code", 503: "WeChat is silent"},
)
def begin_payment(programme_id: UUID) -> dict[str, Any]:
    with reading() as session:
        code = unions.get_union(session, current_scope_id()).code
    merchant = payment_process.merchants().serving([code])
    with unit_of_work() as uow:
        begun = funding.begin_native(uow, current_scope_id(), programme_id, merchant)
    _, code_url = payment_process.ensure_prepaid(begun, None, request.remote_addr)
    return {
        "payment_id": begun.payment_id,
        "out_trade_no": begun.out_trade_no,
        "amount_fen": begun.amount_fen,
        "code_url": code_url,
        "expires_at": begun.expires_at,
    }


def _progress(programme_id: UUID) -> dict[str, Any]:
    with reading() as session:
        programme = programme_queries.programme_of_union(session, current_scope_id(), programme_id)
        return queries.progress_of(session, programme)


@bp.post("/<uuid:programme_id>/issue")
@needs_duty(HANDLES)
@bp.output(ProgressReply, 202)
@bp.doc(summary="Begin to issue a funded programme; workers do it, and go on whatever dies")
def issue(programme_id: UUID) -> dict[str, Any]:
    by = officer()
    with unit_of_work() as uow:
        issuing.begin(uow, by, programme_id)
    return _progress(programme_id)


@bp.get("/<uuid:programme_id>/progress")
@bp.output(ProgressReply)
@bp.doc(summary="Read how far the issue is")
def read_progress(programme_id: UUID) -> dict[str, Any]:
    return _progress(programme_id)


@bp.get("/<uuid:programme_id>/recipients")
@bp.input(RecipientQuery, location="query")
@bp.output(RecipientPage)
@bp.doc(summary="List recipients in the order of the roster; `has_not_chosen`: who did nothing yet")
def list_recipients(programme_id: UUID, query_data: dict[str, Any]) -> dict[str, Any]:
    limit, state = query_data["limit"], query_data["state"]
    narrowed = [entitlement_queries.in_state(state)] if state else []
    if query_data["has_not_chosen"]:
        narrowed.append(entitlement_queries.not_chosen())
    with reading() as session:
        programme = programme_queries.programme_of_union(session, current_scope_id(), programme_id)
        found = entitlement_queries.of_programme(
            session, programme_id, query_data["after"], limit, narrowed
        )
        shown = [queries.recipient_of(entitlement, programme) for entitlement in found[:limit]]
    return {"items": shown, "next_after": shown[-1]["position"] if len(found) > limit else None}


@bp.post("/<uuid:programme_id>/reminders")
@needs_duty(HANDLES)
@bp.output(RemindedReply)
@bp.doc(summary="Remind members who have not chosen, each at most once in twenty hours")
def remind(programme_id: UUID) -> dict[str, int]:
    with unit_of_work() as uow:
        return telling.remind(uow, current_scope_id(), programme_id)


@bp.post("/<uuid:programme_id>/close")
@needs_duty(APPROVES)
@bp.input(CloseBody)
@bp.output(ProgressReply, 202)
@bp.doc(
    summary="End an active programme before its time; workers settle what is left",
    description="Who never chose gets the default pack, if there is one; the rest goes by the rules.",
)
def close(programme_id: UUID, json_data: dict[str, Any]) -> dict[str, Any]:
    by = officer()
    with unit_of_work() as uow:
        if json_data["skips_default"]:
            closing.skip_default(uow, by, programme_id, json_data["reason"])
        closing.request_close(uow, by, programme_id, json_data["reason"])
    return _progress(programme_id)


def _change(row: ProgrammeChange) -> dict[str, Any]:
    return {column.key: getattr(row, column.key) for column in ProgrammeChange.__table__.columns}


@bp.get("/<uuid:programme_id>/changes")
@bp.output(ChangeList)
@bp.doc(summary="List who was added or withdrawn after approval, and by whom")
def list_changes(programme_id: UUID) -> dict[str, Any]:
    with reading() as session:
        programme_queries.programme_of_union(session, current_scope_id(), programme_id)
        return {"items": [_change(row) for row in changing.changes(session, programme_id)]}


@bp.post("/<uuid:programme_id>/changes")
@needs_duty(HANDLES)
@bp.input(ChangeBody)
@bp.output(ChangeReply, 201)
@bp.doc(
    summary="Propose to add somebody of a roster, or to withdraw somebody's unused entitlement",
    responses={409: "In the programme already, or used already"},
)
def propose_change(programme_id: UUID, json_data: dict[str, Any]) -> dict[str, Any]:
    by, reason = officer(), json_data["reason"]
    with unit_of_work() as uow:
        if json_data["kind"] == rules.ADD:
            row = changing.propose_addition(uow, by, programme_id, json_data["entry_id"], reason)
        else:
            row = changing.propose_withdrawal(
                uow, by, programme_id, json_data["entitlement_id"], reason
            )
        return _change(row)


@bp.post("/<uuid:programme_id>/changes/<uuid:change_id>/decide")
@needs_duty(APPROVES)
@bp.input(ChangeDecision)
@bp.output(ChangeReply)
@bp.doc(
    summary="Apply a proposed change or reject it; never one's own",
    description="Head-count and budget change with it; who is added is issued to once it is paid.",
)
def decide_change(
    programme_id: UUID, change_id: UUID, json_data: dict[str, bool]
) -> dict[str, Any]:
    by = officer()
    with unit_of_work() as uow:
        return _change(changing.decide(uow, by, programme_id, change_id, json_data["is_approved"]))
