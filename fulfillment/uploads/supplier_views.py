"""A supplier sends many parcels by one sheet."""

from typing import Any

from apiflask import APIBlueprint
from flask import Response

from catalog.suppliers import queries as supplier_queries
from fulfillment.uploads import rules, service
from fulfillment.uploads.rules import Problem, Wanted
from fulfillment.uploads.schemas import SentReply
from mall.access.guard import current, current_scope_id, open_to_all
from mall.access.rules import SUPPLIER
from mall.kernel.errors import DomainError
from mall.kernel.sheets.making import xlsx
from mall.kernel.sheets.reading import AT_ONCE, read_rows
from mall.kernel.uow import reading, unit_of_work
from mall.web.files import CSV, XLSX, attachment, gives_file, sent_file, takes_file

bp = APIBlueprint("parcel_sheets", __name__, url_prefix="/v1/supplier/parcel-sheet", tag="Supplier")
WIDTHS = (22, 12, 22, 8, 50, 8, 10, 24)


@bp.get("")
@gives_file(XLSX)
@bp.doc(summary="Download what waits to be sent (500 at most), to fill in carriers and numbers")
def read_sheet() -> Response:
    with reading() as session:
        rows = service.open_rows(session, current_scope_id())
    return attachment(xlsx(rules.SHEET, rules.HEADS, rows, WIDTHS), XLSX, "待发货.xlsx")


@bp.post("")
@open_to_all(SUPPLIER)
@takes_file(XLSX, CSV)
@bp.output(SentReply)
@bp.doc(
    summary="Send what the sheet says (500 rows at most): each row by itself, problems by row",
    description="Sent again it sends nothing twice: a parcel is known by its carrier and number.",
    responses={422: "Not such a sheet; nothing was sent"},
)
def send_sheet() -> dict[str, Any]:
    supplier_id, actor = current_scope_id(), current().name
    with reading() as session:
        supplier_queries.check_may_upload(session, supplier_id)
    content = sent_file(rules.LIMITS.bytes)
    found = rules.rows_of(read_rows(content, rules.LIMITS, rules.SHEET, AT_ONCE))
    problems = [each for each in found if isinstance(each, Problem)]
    sent = unchanged = 0
    for wanted in found:
        if not isinstance(wanted, Wanted):
            continue
        try:
            with unit_of_work() as uow:
                is_new = service.send(uow, supplier_id, wanted, actor)
        except DomainError as error:
            problems.append(Problem(wanted.row, error.code, error.wording))
            continue
        sent, unchanged = sent + is_new, unchanged + (not is_new)
    return {
        "sent": sent,
        "unchanged": unchanged,
        "refused": len(problems),
        "problems": sorted(problems, key=lambda each: each.row),
    }
