"""A supplier sees what it earned, and agrees to its statements."""

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from flask import Response

from fulfillment.settlement import papers, queries
from fulfillment.settlement.schemas import (
    DisputeBody,
    FiguresReply,
    SettlementItemPage,
    StatementPage,
    StatementQuery,
    StatementReply,
)
from fulfillment.settlement.service import settlements
from mall.access.guard import current, current_scope_id, open_to_all
from mall.access.rules import SUPPLIER
from mall.approvals.rules import STATEMENT, Subject
from mall.approvals.service import authors
from mall.kernel.uow import reading, reading_one_instant, unit_of_work
from mall.web.fields import PageQuery, page
from mall.web.files import PDF, XLSX, FormatQuery, gives_file, paper_file

bp = APIBlueprint(
    "supplier_settlement", __name__, url_prefix="/v1/supplier/settlement", tag="Supplier"
)


@bp.get("")
@bp.output(FiguresReply)
@bp.doc(summary="Read what one is owed: open, on statements, and paid so far")
def read_figures() -> dict[str, int]:
    with reading_one_instant() as session:
        return queries.figures_of(session, current_scope_id())


@bp.get("/items")
@bp.input(PageQuery, location="query")
@bp.output(SettlementItemPage)
@bp.doc(summary="List what is on no statement yet, oldest first")
def list_open(query_data: dict[str, Any]) -> dict[str, Any]:
    limit = query_data["limit"]
    with reading() as session:
        found = queries.open_items(session, current_scope_id(), query_data["cursor"], limit)
        return page(found, limit)


@bp.get("/statements")
@bp.input(StatementQuery, location="query")
@bp.output(StatementPage)
@bp.doc(summary="List one's own statements, newest first")
def list_statements(query_data: dict[str, Any]) -> dict[str, Any]:
    limit, wanted = query_data["limit"], (query_data["state"], query_data["cursor"])
    with reading() as session:
        found = queries.list_statements(session, current_scope_id(), *wanted, limit)
        return page(found, limit)


@bp.get("/statements/<uuid:statement_id>")
@bp.output(StatementReply)
@bp.doc(summary="Read one's own statement")
def read_statement(statement_id: UUID) -> Any:
    with reading() as session:
        return queries.statement_of_supplier(session, statement_id, current_scope_id())


@bp.get("/statements/<uuid:statement_id>/items")
@bp.input(PageQuery, location="query")
@bp.output(SettlementItemPage)
@bp.doc(summary="List the items of one's own statement, oldest first")
def list_items(statement_id: UUID, query_data: dict[str, Any]) -> dict[str, Any]:
    limit = query_data["limit"]
    with reading() as session:
        queries.statement_of_supplier(session, statement_id, current_scope_id())
        return page(queries.items_of(session, statement_id, query_data["cursor"], limit), limit)


@bp.get("/statements/<uuid:statement_id>/paper")
@bp.input(FormatQuery, location="query")
@gives_file(PDF, XLSX)
@bp.doc(summary="Download one's own statement as PDF or xlsx")
def read_paper(statement_id: UUID, query_data: dict[str, str]) -> Response:
    with reading_one_instant() as session:
        found = queries.statement_of_supplier(session, statement_id, current_scope_id())
        paper, number = papers.statement(session, found), found.number
    return paper_file(paper, f"{paper.title}-{number}", query_data["format"])


@bp.post("/statements/<uuid:statement_id>/confirm")
@open_to_all(SUPPLIER)
@bp.output(StatementReply)
@bp.doc(summary="Agree to a statement; it never changes afterwards", responses={409: "Not a draft"})
def confirm(statement_id: UUID) -> Any:
    with unit_of_work() as uow:
        agreed = settlements.confirm(uow, current_scope_id(), statement_id, current().name)
        authors.decide(uow, Subject(STATEMENT, statement_id), authors.signer(uow, current()))
        return agreed


@bp.post("/statements/<uuid:statement_id>/dispute")
@open_to_all(SUPPLIER)
@bp.input(DisputeBody)
@bp.output(StatementReply)
@bp.doc(summary="Say what is wrong with a draft", responses={409: "Not a draft"})
def dispute(statement_id: UUID, json_data: dict[str, str]) -> Any:
    with unit_of_work() as uow:
        return settlements.dispute(uow, current_scope_id(), statement_id, json_data["note"])
