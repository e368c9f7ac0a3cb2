"""A member asks for after-sales and follows it."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from flask import Response
from sqlalchemy.orm import Session

from fulfillment.after_sales import queries
from fulfillment.after_sales.models import AfterSalesCase
from fulfillment.after_sales.rules import Request
from fulfillment.after_sales.schemas import (
    AfterSalesBody,
    AppealBody,
    CaseDetailReply,
    CasePage,
    CaseQuery,
    CaseReply,
)
from fulfillment.after_sales.service import asking, deciding
from fulfillment.shipments.schemas import ParcelBody
from mall.access.guard import current_member_id
from mall.kernel.uow import UnitOfWork, reading, unit_of_work
from mall.web.fields import page
from mall.web.replies import idempotently, takes_key

bp = APIBlueprint("after_sales", __name__, url_prefix="/v1/store", tag="Store: orders")


def decided(act: Callable[[UnitOfWork], AfterSalesCase], status: int = 200) -> Response:
    """Do once for a key what may move money, and answer with the case."""

    def work(uow: UnitOfWork) -> dict[str, Any]:
        reply: dict[str, Any] = CaseReply().dump(queries.reply(act(uow)))
        return reply

    return idempotently(work, status)


def detail_of(find: Callable[[Session], AfterSalesCase]) -> dict[str, Any]:
    """Return a case with its history; how it is found says for whom."""
    with reading() as session:
        case = find(session)
        return {**queries.reply(case), "history": queries.history_of(session, case.id)}


def page_of(scope: dict[str, UUID], query_data: dict[str, Any]) -> dict[str, Any]:
    """Return a page of the cases in a scope."""
    with reading() as session:
        found = queries.list_cases(session, scope, **query_data)
        return page(found, query_data["limit"], queries.reply)


@bp.post("/orders/<uuid:order_id>/after-sales")
@takes_key
@bp.input(AfterSalesBody)
@bp.output(CaseReply, 201)
@bp.doc(
    summary="Ask for a refund, a return or an exchange of units of a line; needs an Idempotency-Key",
    responses={409: "Nothing left to ask for, or too late", 422: "More than it cost"},
)
def request(order_id: UUID, json_data: Request) -> Response:
    member_id = current_member_id()
    return decided(lambda uow: deciding.ask(uow, member_id, order_id, json_data), 201)


@bp.get("/after-sales")
@bp.input(CaseQuery, location="query")
@bp.output(CasePage)
@bp.doc(summary="List one's own after-sales cases, newest first")
def list_cases(query_data: dict[str, Any]) -> dict[str, Any]:
    return page_of({"member_id": current_member_id()}, query_data)


@bp.get("/after-sales/<uuid:case_id>")
@bp.output(CaseDetailReply)
@bp.doc(summary="Read one's own case with its history")
def read_case(case_id: UUID) -> dict[str, Any]:
    mine = current_member_id()
    return detail_of(lambda session: queries.case_of_member(session, case_id, mine))


@bp.post("/after-sales/<uuid:case_id>/withdraw")
@bp.output(CaseReply)
@bp.doc(summary="Give up a case before goods are on their way back", responses={409: "Too late"})
def withdraw(case_id: UUID) -> dict[str, Any]:
    with unit_of_work() as uow:
        return queries.reply(asking.withdraw(uow, current_member_id(), case_id))


@bp.post("/after-sales/<uuid:case_id>/parcel")
@bp.input(ParcelBody)
@bp.output(CaseReply)
@bp.doc(summary="Say how goods are on their way back", responses={409: "They are not awaited"})
def send_back(case_id: UUID, json_data: dict[str, Any]) -> dict[str, Any]:
    with unit_of_work() as uow:
        case = asking.send_back(uow, current_member_id(), case_id, **json_data)
        return queries.reply(case)


@bp.post("/after-sales/<uuid:case_id>/appeal")
@bp.input(AppealBody)
@bp.output(CaseReply)
@bp.doc(summary="Ask an operator to decide what was refused", responses={409: "Not refused"})
def appeal(case_id: UUID, json_data: dict[str, str]) -> dict[str, Any]:
    with unit_of_work() as uow:
        return queries.reply(asking.appeal(uow, current_member_id(), case_id, json_data["note"]))
