"""A union follows its consumption assistance."""

from typing import Any

from apiflask import APIBlueprint
from flask import Response

from mall.access.guard import current_scope_id, needs_duty
from mall.access.rules import HANDLES
from mall.kernel.clock import now
from mall.kernel.errors import NotFound
from mall.kernel.uow import reading, unit_of_work
from mall.web.files import XLSX, attachment, gives_file
from orders.assistance import papers, rules, service
from orders.assistance.schemas import ProgressReply, TargetBody

bp = APIBlueprint("assistance", __name__, url_prefix="/v1/union/assistance", tag="Union")


def year_of(year: int) -> int:
    """Return a year within reason; raise NotFound for any other."""
    if not rules.FIRST_YEAR <= year <= rules.LAST_YEAR:
        raise NotFound("year")
    return year


@bp.get("/<int:year>")
@bp.output(ProgressReply)
@bp.doc(summary="Read target and progress of a year, month by month")
def read_progress(year: int) -> dict[str, Any]:
    with reading() as session:
        return service.progress(session, current_scope_id(), year_of(year), now())


@bp.put("/<int:year>")
@needs_duty(HANDLES)
@bp.input(TargetBody)
@bp.output(ProgressReply)
@bp.doc(summary="Set the target of a year: an amount, or a share of the budget")
def set_target(year: int, json_data: dict[str, Any]) -> dict[str, Any]:
    with unit_of_work() as uow:
        form = rules.TargetForm(**json_data)
        service.set_target(uow, current_scope_id(), year_of(year), form)
        return service.progress(uow.session, current_scope_id(), year, uow.now)


@bp.get("/<int:year>.xlsx")
@gives_file(XLSX)
@bp.doc(summary="Download the progress of a year as a workbook")
def read_sheet(year: int) -> Response:
    with reading() as session:
        content = papers.sheet(session, current_scope_id(), year_of(year), now())
    return attachment(content, XLSX, f"消费帮扶-{year}.xlsx")
