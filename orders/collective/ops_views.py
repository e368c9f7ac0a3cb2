"""Operators see every programme, confirm its money and record what goes back."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from flask import Response

from mall.access.guard import current, needs_duty
from mall.access.rules import FINANCE_CONFIRMS, FINANCE_ENTERS
from mall.approvals.rules import Signer
from mall.approvals.service import authors
from mall.kernel.uow import UnitOfWork, reading, unit_of_work
from mall.web.fields import page
from mall.web.replies import idempotently, takes_key
from orders.collective import queries, rules
from orders.collective.models import Funding
from orders.collective.schemas import BillReply, FundingReply, TransferBody
from orders.collective.service import funding
from orders.collective.service.funding import Transfer
from orders.programmes import queries as programme_queries
from orders.programmes.schemas import HistoryReply, ProgrammePage, ProgrammeQuery, ProgrammeReply
from orders.programmes.union_views import history_of, reply_of

Decide = Callable[[UnitOfWork, UUID, UUID, Signer], Funding]
bp = APIBlueprint("programmes_ops", __name__, url_prefix="/v1/ops/programmes", tag="Operations")


@bp.get("")
@bp.input(ProgrammeQuery, location="query")
@bp.output(ProgrammePage)
@bp.doc(summary="List the programmes of all unions, newest first")
def list_programmes(query_data: dict[str, Any]) -> dict[str, Any]:
    with reading() as session:
        found = programme_queries.list_programmes(session, None, **query_data)
        return page(found, query_data["limit"], reply_of)


@bp.get("/<uuid:programme_id>")
@bp.output(ProgrammeReply)
@bp.doc(summary="Read a programme")
def read_programme(programme_id: UUID) -> dict[str, Any]:
    with reading() as session:
        return reply_of(programme_queries.any_programme(session, programme_id))


@bp.get("/<uuid:programme_id>/history")
@bp.output(HistoryReply)
@bp.doc(summary="Export the signed history")
def read_history(programme_id: UUID) -> dict[str, Any]:
    with reading() as session:
        return history_of(session, programme_queries.any_programme(session, programme_id))


@bp.get("/<uuid:programme_id>/bill")
@bp.output(BillReply)
@bp.doc(summary="Read what was paid for a programme, and what is due or too much")
def read_bill(programme_id: UUID) -> dict[str, Any]:
    with reading() as session:
        return queries.bill_of(session, programme_queries.any_programme(session, programme_id))


@bp.post("/<uuid:programme_id>/transfers")
@needs_duty(FINANCE_ENTERS)
@bp.input(TransferBody)
@bp.output(FundingReply, 201)
@bp.doc(summary="Record a bank transfer that was found on the statement")
def record_transfer(programme_id: UUID, json_data: dict[str, Any]) -> dict[str, Any]:
    with unit_of_work() as uow:
        by = authors.signer(uow, current())
        return queries.funding_of(funding.record(uow, programme_id, by, Transfer(**json_data)))


@bp.post("/<uuid:programme_id>/transfers/<uuid:funding_id>/confirm")
@needs_duty(FINANCE_CONFIRMS)
@takes_key
@bp.output(FundingReply)
@bp.doc(
    summary="Confirm that a transfer is in the bank: it is posted once",
    description=(
        "Needs an Idempotency-Key; never what oneself recorded. The programme is funded once its "
        "budget is covered."
    ),
    responses={409: "Decided already, or one's own"},
)
def confirm_transfer(programme_id: UUID, funding_id: UUID) -> Response:
    return _confirmed(funding.confirm, programme_id, funding_id)


def _confirmed(act: Decide, programme_id: UUID, funding_id: UUID) -> Response:
    who = current()

    def work(uow: UnitOfWork) -> dict[str, Any]:
        by = authors.signer(uow, who)
        return queries.funding_of(act(uow, programme_id, funding_id, by))

    return idempotently(work, status=200)


@bp.post("/<uuid:programme_id>/transfers/<uuid:funding_id>/reject")
@needs_duty(FINANCE_CONFIRMS)
@bp.output(FundingReply)
@bp.doc(
    summary="Say that a recorded transfer is not in the bank",
    responses={409: "Decided, or one's own"},
)
def reject_transfer(programme_id: UUID, funding_id: UUID) -> dict[str, Any]:
    with unit_of_work() as uow:
        by = authors.signer(uow, current())
        return queries.funding_of(funding.reject(uow, programme_id, funding_id, by))


@bp.post("/<uuid:programme_id>/payouts")
@needs_duty(FINANCE_ENTERS)
@takes_key
@bp.input(TransferBody)
@bp.output(FundingReply, 201)
@bp.doc(
    summary="Record money that goes back to the union by bank; needs an Idempotency-Key",
    description=(
        "What nobody is to be issued any more: surplus, leftovers, or before issue all. Another "
        "person confirms it; until then nothing leaves the fund."
    ),
    responses={422: "More than is free"},
)
def record_payout(programme_id: UUID, json_data: dict[str, Any]) -> Response:
    who, transfer = current(), Transfer(**json_data)

    def work(uow: UnitOfWork) -> dict[str, Any]:
        by = authors.signer(uow, who)
        return queries.funding_of(funding.record_payout(uow, programme_id, by, transfer))

    return idempotently(work)


@bp.post("/<uuid:programme_id>/payouts/<uuid:funding_id>/confirm")
@needs_duty(FINANCE_CONFIRMS)
@takes_key
@bp.output(FundingReply)
@bp.doc(
    summary="Confirm that money went back to the union: it leaves the fund once",
    description="Needs an Idempotency-Key; never what oneself recorded.",
    responses={409: "Decided already, or one's own", 422: "More than is free by now"},
)
def confirm_payout(programme_id: UUID, funding_id: UUID) -> Response:
    return _confirmed(funding.confirm_payout, programme_id, funding_id)


@bp.post("/<uuid:programme_id>/payouts/<uuid:funding_id>/reject")
@needs_duty(FINANCE_CONFIRMS)
@bp.output(FundingReply)
@bp.doc(
    summary="Turn a recorded payout down: nothing leaves the fund",
    responses={409: "Decided, or one's own"},
)
def reject_payout(programme_id: UUID, funding_id: UUID) -> dict[str, Any]:
    with unit_of_work() as uow:
        by = authors.signer(uow, current())
        return queries.funding_of(funding.reject(uow, programme_id, funding_id, by, rules.PAYOUT))
