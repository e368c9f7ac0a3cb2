"""Operators read what the bills say and explain what differs."""

from datetime import date
from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from flask import Response

from mall.access.guard import current, needs_duty
from mall.access.rules import FINANCE_ENTERS
from mall.kernel.errors import Invalid
from mall.kernel.uow import reading, reading_one_instant, unit_of_work
from mall.web.fields import page, values_of
from mall.web.files import XLSX, gives_file, paper_file
from orders.reconciliation import papers, queries, service
from orders.reconciliation.models import ReconciliationCase
from orders.reconciliation.schemas import (
    AgainBody,
    BillReply,
    DifferencePage,
    DifferenceQuery,
    DifferenceReply,
    ExplainBody,
    FiguresReply,
    SpanQuery,
)

bp = APIBlueprint("reconciliation", __name__, url_prefix="/v1/ops/reconciliation", tag="Operations")


def _reply(case: ReconciliationCase) -> dict[str, Any]:
    return values_of(case, DifferenceReply)


def _span(query_data: dict[str, Any]) -> tuple[str, date, date]:
    first, last = query_data["first"], query_data["last"]
    if not 0 <= (last - first).days < queries.MAX_DAYS:
        raise Invalid("last", "span_too_long")
    return query_data["merchant"], first, last


@bp.get("")
@bp.input(SpanQuery, location="query")
@bp.output(FiguresReply)
@bp.doc(summary="Read what the bills of a span say, and what the clearing account has of them")
def read_figures(query_data: dict[str, Any]) -> dict[str, Any]:
    span = _span(query_data)
    with reading_one_instant() as session:
        return queries.figures(session, *span)


@bp.get("/report.xlsx")
@bp.input(SpanQuery, location="query")
@gives_file(XLSX)
@bp.doc(summary="Download the report of a span, with its differences (5,000 at most)")
def read_report(query_data: dict[str, Any]) -> Response:
    merchant, first, last = _span(query_data)
    with reading_one_instant() as session:
        figures = queries.figures(session, merchant, first, last)
        found = queries.cases(session, None, (first, last), None, queries.MAX_REPORTED)
        own = [case for case in found if case.merchant == merchant]
        paper = papers.paper(figures, own[: queries.MAX_REPORTED])
    return paper_file(paper, f"{paper.title}-{merchant}-{first}-{last}", "xlsx")


@bp.get("/differences")
@bp.input(DifferenceQuery, location="query")
@bp.output(DifferencePage)
@bp.doc(summary="List differences, newest first; `state=open`: what somebody must see to")
def list_differences(query_data: dict[str, Any]) -> dict[str, Any]:
    days = (query_data["first"], query_data["last"])
    with reading() as session:
        found = queries.cases(
            session, query_data["state"], days, query_data["cursor"], query_data["limit"]
        )
        return page(found, query_data["limit"], _reply)


@bp.post("/differences/<uuid:case_id>/explain")
@needs_duty(FINANCE_ENTERS)
@bp.input(ExplainBody)
@bp.output(DifferenceReply)
@bp.doc(
    summary="Note why a difference is as it is; other figures open it again",
    responses={409: "It has vanished"},
)
def explain(case_id: UUID, json_data: dict[str, str]) -> dict[str, Any]:
    with unit_of_work() as uow:
        return _reply(service.explain(uow, case_id, current().name, json_data["note"]))


@bp.post("/bills/again")
@needs_duty(FINANCE_ENTERS)
@bp.input(AgainBody)
@bp.output(BillReply, 202)
@bp.doc(summary="Fetch and match a bill once more; a worker does it within a minute")
def check_again(json_data: dict[str, Any]) -> Any:
    with unit_of_work() as uow:
        bill = service.want_again(uow, json_data["merchant"], json_data["day"])
        return values_of(bill, BillReply)
