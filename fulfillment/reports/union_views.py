"""A union sees what became of a programme, and takes its papers along."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from flask import Response
from sqlalchemy.orm import Session

from fulfillment.reports import papers, people_papers, queries, rules
from fulfillment.reports.schemas import DashboardReply, PaperList, PaperQuery
from mall.access.guard import current_scope_id
from mall.kernel.errors import NotFound
from mall.kernel.paper.document import Paper
from mall.kernel.paper.pdf import pdf
from mall.kernel.paper.workbook import workbook
from mall.kernel.uow import reading
from mall.web.files import PDF, XLSX, attachment, gives_file
from orders.programmes import queries as programmes
from orders.programmes.models import Programme

bp = APIBlueprint("reports", __name__, url_prefix="/v1/union/programmes", tag="Union")
_BUILDERS: dict[str, Callable[[Session, Programme, int], Paper]] = {
    "purchase-list": lambda session, programme, _: papers.purchase_list(session, programme),
    "contract-appendix": lambda session, programme, _: papers.contract_appendix(session, programme),
    "bill": lambda session, programme, _: papers.bill(session, programme),
    "issue-list": people_papers.issue_list,
    "hand-out-sheet": people_papers.hand_out_sheet,
    "acceptance-note": lambda session, programme, _: papers.acceptance_note(session, programme),
    "settlement": lambda session, programme, _: papers.settlement(session, programme),
}


@bp.get("/<uuid:programme_id>/dashboard")
@bp.output(DashboardReply)
@bp.doc(summary="Read what was issued, redeemed, shipped, signed, and what is left over")
def read_dashboard(programme_id: UUID) -> dict[str, Any]:
    with reading() as session:
        programme = programmes.get_programme(session, current_scope_id(), programme_id)
        return queries.dashboard_of(session, programme)


@bp.get("/<uuid:programme_id>/papers")
@bp.output(PaperList)
@bp.doc(summary="List the papers that can be had of a programme")
def list_papers(programme_id: UUID) -> dict[str, Any]:
    with reading() as session:
        programmes.get_programme(session, current_scope_id(), programme_id)
    return {"items": [{"name": name, "title": title} for name, title in rules.PAPERS.items()]}


@bp.get("/<uuid:programme_id>/papers/<string:name>")
@bp.input(PaperQuery, location="query")
@gives_file(PDF, XLSX)
@bp.doc(
    summary="Download a paper as PDF or xlsx; its numbers are read from the ledger",
    description="Lists of people come in parts of 5,000.",
    responses={409: "Not submitted yet", 404: "There is no such paper, or part"},
)
def read_paper(programme_id: UUID, name: str, query_data: dict[str, Any]) -> Response:
    build = _BUILDERS.get(name)
    if build is None:
        raise NotFound("paper", "单据")
    with reading() as session:
        programme = programmes.get_programme(session, current_scope_id(), programme_id)
        if programme.content is None:
            raise rules.NoPaperYet()
        paper = build(session, programme, query_data["part"])
        file_name = f"{paper.title}-{programme.number}"
    if query_data["format"] == rules.XLSX:
        return attachment(workbook(paper), XLSX, f"{file_name}.xlsx")
    return attachment(pdf(paper), PDF, f"{file_name}.pdf")
