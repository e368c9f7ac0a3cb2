"""Operators see what waits for a second person, confirm it, turn it down, take it back."""

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from flask import Response

from mall.access.guard import current, needs_duty
from mall.access.rules import FINANCE_CONFIRMS, FINANCE_ENTERS
from mall.approvals.replies import reply_of
from mall.approvals.schemas import ProposalPage, ProposalQuery, ProposalReply, RejectBody
from mall.approvals.service import authors, values
from mall.kernel.uow import UnitOfWork, reading, unit_of_work
from mall.web.fields import page
from mall.web.replies import idempotently, takes_key

bp = APIBlueprint("proposals_ops", __name__, url_prefix="/v1/ops/proposals", tag="Operations")


@bp.get("")
@bp.input(ProposalQuery, location="query")
@bp.output(ProposalPage)
@bp.doc(
    summary="List what moved value by staff's word, and what waits for a second person, newest first",
    description="`state=proposed`: what waits; `alone`: what was within one person's limit.",
)
def list_proposals(query_data: dict[str, Any]) -> dict[str, Any]:
    with reading() as session:
        found = values.list_acts(session, **query_data)
        return page([reply_of(each) for each in found], query_data["limit"])


@bp.get("/<uuid:proposal_id>")
@bp.output(ProposalReply)
@bp.doc(summary="Read a proposal with exactly what will be done")
def read_proposal(proposal_id: UUID) -> dict[str, Any]:
    with reading() as session:
        return reply_of(values.get_act(session, proposal_id))


@bp.post("/<uuid:proposal_id>/confirm")
@needs_duty(FINANCE_CONFIRMS)
@takes_key
@bp.output(ProposalReply)
@bp.doc(
    summary="Carry a proposal out, exactly as it stands; never one's own",
    description="Needs an Idempotency-Key. Two confirmations have one effect.",
    responses={409: "One's own, decided, lapsed, or no longer possible"},
)
def confirm(proposal_id: UUID) -> Response:
    who = current()

    def work(uow: UnitOfWork) -> Any:
        done = values.confirm(uow, proposal_id, authors.signer(uow, who))
        return ProposalReply().dump(reply_of(done))

    return idempotently(work, status=200)


@bp.post("/<uuid:proposal_id>/reject")
@needs_duty(FINANCE_CONFIRMS)
@bp.input(RejectBody)
@bp.output(ProposalReply)
@bp.doc(summary="Turn a proposal down, with the reason", responses={409: "One's own, or decided"})
def reject(proposal_id: UUID, json_data: dict[str, str]) -> dict[str, Any]:
    with unit_of_work() as uow:
        by = authors.signer(uow, current())
        return reply_of(values.reject(uow, proposal_id, by, json_data["note"]))


@bp.post("/<uuid:proposal_id>/withdraw")
@needs_duty(FINANCE_ENTERS)
@bp.output(ProposalReply)
@bp.doc(summary="Take one's own proposal back", responses={409: "Another's, or decided"})
def withdraw(proposal_id: UUID) -> dict[str, Any]:
    with unit_of_work() as uow:
        return reply_of(values.withdraw(uow, proposal_id, authors.signer(uow, current())))
