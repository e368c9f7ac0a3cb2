"""A union sees what became of a programme, and takes its papers along."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from flask import Response
from sqlalchemy.orm import Session

from fulfillment.reports import queries, rules
from fulfillment.reports.papers import people_papers, programme_papers
from fulfillment.reports.schemas import DashboardReply, PaperList, PaperQuery
from mall.access.guard import current_scope_id
from mall.kernel.errors import NotFound
from mall.kernel.paper.document import Paper
from mall.kernel.text import wording
from mall.kernel.uow import reading, reading_one_instant
from mall.web.files import PDF, XLSX, gives_file, paper_file
from orders.programmes import queries as programme_queries
from orders.programmes.models import Programme

bp = APIBlueprint("reports", __name__, url_prefix="/v1/union/programmes", tag="Union")
_OF_PROGRAMMES: dict[str, Callable[[Session, Programme], Paper]] = {
    "purchase-list": programme_papers.purchase_list,
    "contract-appendix": programme_papers.contract_appendix,
    "bill": programme_papers.bill,
    "acceptance-note": programme_papers.acceptance_note,
    "settlement": programme_papers.settlement,
}
# These come in parts.
_OF_PEOPLE: dict[str, Callable[[Session, Programme, int], Paper]] = {
    "issue-list": people_papers.issue_list,
    "hand-out-sheet": people_papers.hand_out_sheet,
}


def _paper(session: Session, programme: Programme, name: str, part: int) -> Paper:
    if programme.content is None:
        raise rules.NoPaperYet()
    if name in _OF_PEOPLE:
        return _OF_PEOPLE[name](session, programme, part)
    return _OF_PROGRAMMES[name](session, programme)


@bp.get("/<uuid:programme_id>/dashboard")
@bp.output(DashboardReply)
@bp.doc(summary="Read what was issued, redeemed, shipped, signed, and what is left over")
def read_dashboard(programme_id: UUID) -> dict[str, Any]:
    with reading_one_instant() as session:
        programme = programme_queries.programme_of_union(session, current_scope_id(), programme_id)
        return queries.dashboard_of(session, programme)


@bp.get("/<uuid:programme_id>/papers")
@bp.output(PaperList)
@bp.doc(summary="List the papers that can be had of a programme")
def list_papers(programme_id: UUID) -> dict[str, Any]:
    with reading() as session:
        programme_queries.programme_of_union(session, current_scope_id(), programme_id)
    return {
        "items": [{"name": name, "title": wording.name("paper", name).zh} for name in rules.PAPERS]
    }


@bp.get("/<uuid:programme_id>/papers/<string:name>")
@bp.input(PaperQuery, location="query")
@gives_file(PDF, XLSX)
@bp.doc(
    summary="Download a paper as PDF or xlsx; its numbers are read from the ledger",
    description="Lists of people come in parts of 5,000.",
    responses={409: "Not submitted yet", 404: "There is no such paper, or part"},
)
def read_paper(programme_id: UUID, name: str, query_data: dict[str, Any]) -> Response:
    if name not in rules.PAPERS:
        raise NotFound("paper")
    with reading_one_instant() as session:
        programme = programme_queries.programme_of_union(session, current_scope_id(), programme_id)
        paper = _paper(session, programme, name, query_data["part"])
        file_name = f"{paper.title}-{programme.number}"
    return paper_file(paper, file_name, query_data["format"])
