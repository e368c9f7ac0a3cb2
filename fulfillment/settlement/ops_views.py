"""Operators draft statements, adjust, and record what was paid."""

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from flask import Response

from fulfillment.settlement import papers, queries
from fulfillment.settlement.schemas import (
    AdjustmentBody,
    AdjustmentReply,
    DraftBody,
    FiguresReply,
    OpsStatementQuery,
    PayBody,
    SettlementItemPage,
    StatementPage,
    StatementReply,
    WithdrawBody,
)
from fulfillment.settlement.service import paying, settlements
from fulfillment.settlement.service.settlements import Adjustment
from mall.access.guard import current, needs_duty
from mall.access.rules import FINANCE_ENTERS
from mall.approvals.replies import answer
from mall.approvals.rules import STATEMENT, Subject
from mall.approvals.service import authors
from mall.approvals.service.values import ValueAct
from mall.kernel.uow import UnitOfWork, reading, reading_one_instant, unit_of_work
from mall.web.fields import PageQuery, page
from mall.web.files import PDF, XLSX, FormatQuery, gives_file, paper_file
from mall.web.replies import idempotently, reply, takes_key

bp = APIBlueprint("ops_settlement", __name__, url_prefix="/v1/ops/settlement", tag="Operations")


@bp.get("/suppliers/<uuid:supplier_id>")
@bp.output(FiguresReply)
@bp.doc(summary="Read what a supplier is owed: open, on statements, and paid so far")
def read_figures(supplier_id: UUID) -> dict[str, int]:
    with reading_one_instant() as session:
        return queries.figures_of(session, supplier_id)


@bp.get("/statements")
@bp.input(OpsStatementQuery, location="query")
@bp.output(StatementPage)
@bp.doc(summary="List statements, newest first")
def list_statements(query_data: dict[str, Any]) -> dict[str, Any]:
    limit = query_data["limit"]
    wanted = (query_data["supplier_id"], query_data["state"], query_data["cursor"])
    with reading() as session:
        return page(queries.list_statements(session, *wanted, limit), limit)


@bp.post("/statements")
@needs_duty(FINANCE_ENTERS)
@bp.input(DraftBody)
@bp.output(StatementReply, 201)
@bp.doc(
    summary="Draft a supplier's statement of its open items up to the end of a day",
    responses={409: "One waits already, or there is nothing to settle", 422: "Not over yet"},
)
def draft(json_data: dict[str, Any]) -> Any:
    with unit_of_work() as uow:
        supplier_id, ends_on = json_data["supplier_id"], json_data["ends_on"]
        made = settlements.draft(uow, supplier_id, ends_on, current().name)
        authors.touch(uow, Subject(STATEMENT, made.id), authors.signer(uow, current()))
        return made


@bp.get("/statements/<uuid:statement_id>")
@bp.output(StatementReply)
@bp.doc(summary="Read a statement")
def read_statement(statement_id: UUID) -> Any:
    with reading() as session:
        return queries.any_statement(session, statement_id)


@bp.get("/statements/<uuid:statement_id>/items")
@bp.input(PageQuery, location="query")
@bp.output(SettlementItemPage)
@bp.doc(summary="List the items of a statement, oldest first")
def list_items(statement_id: UUID, query_data: dict[str, Any]) -> dict[str, Any]:
    limit = query_data["limit"]
    with reading() as session:
        queries.any_statement(session, statement_id)
        return page(queries.items_of(session, statement_id, query_data["cursor"], limit), limit)


@bp.get("/statements/<uuid:statement_id>/paper")
@bp.input(FormatQuery, location="query")
@gives_file(PDF, XLSX)
@bp.doc(summary="Download a statement as PDF or xlsx")
def read_paper(statement_id: UUID, query_data: dict[str, str]) -> Response:
    with reading_one_instant() as session:
        found = queries.any_statement(session, statement_id)
        paper, number = papers.statement(session, found), found.number
    return paper_file(paper, f"{paper.title}-{number}", query_data["format"])


@bp.post("/statements/<uuid:statement_id>/withdraw")
@needs_duty(FINANCE_ENTERS)
@bp.input(WithdrawBody)
@bp.output(StatementReply)
@bp.doc(summary="Take a statement back before it is confirmed", responses={409: "Confirmed"})
def withdraw(statement_id: UUID, json_data: dict[str, str]) -> Any:
    with unit_of_work() as uow:
        return settlements.withdraw(uow, statement_id, json_data["note"])


@bp.post("/statements/<uuid:statement_id>/pay")
@needs_duty(FINANCE_ENTERS)
@bp.input(PayBody)
@bp.output(StatementReply)
@bp.doc(
    summary="Record that a confirmed statement was paid by bank",
    description="Beyond what an operator moves alone in a day it waits at /v1/ops/proposals: 202.",
    responses={
        202: "It waits for another operator",
        409: "Not confirmed, the reference paid another, or it waits already",
    },
)
def pay(statement_id: UUID, json_data: dict[str, str]) -> Any:
    with unit_of_work() as uow:
        by = authors.signer(uow, current())
        done = paying.pay(uow, by, statement_id, json_data["bank_reference"])
        return reply(answer(done, 200)) if isinstance(done, ValueAct) else done


@bp.post("/adjustments")
@needs_duty(FINANCE_ENTERS)
@takes_key
@bp.input(AdjustmentBody)
@bp.output(AdjustmentReply, 201)
@bp.doc(
    summary="Add to, or take from, what a supplier is owed; needs an Idempotency-Key",
    description="Beyond what an operator moves alone in a day it waits at /v1/ops/proposals: 202.",
    responses={202: "It waits for another operator"},
)
def adjust(json_data: dict[str, Any]) -> Response:
    who, made = current(), Adjustment(**json_data)

    def work(uow: UnitOfWork) -> Any:
        return answer(paying.adjust(uow, authors.signer(uow, who), made))

    return idempotently(work)
