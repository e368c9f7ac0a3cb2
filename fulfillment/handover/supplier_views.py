"""A supplier takes along what it packs."""

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from flask import Response

from fulfillment.dispatch import queries as dispatch_queries
from fulfillment.handover.papers import pick_list
from mall.access.guard import current_scope_id
from mall.kernel.uow import reading_one_instant
from mall.web.files import PDF, XLSX, FormatQuery, gives_file, paper_file

bp = APIBlueprint(
    "pick_lists", __name__, url_prefix="/v1/supplier/fulfillment-orders", tag="Supplier"
)


@bp.get("/<uuid:fulfillment_order_id>/pick-list")
@bp.input(FormatQuery, location="query")
@gives_file(PDF, XLSX)
@bp.doc(summary="Download what is to be packed, for a unit also by department, as PDF or xlsx")
def read_pick_list(fulfillment_order_id: UUID, query_data: dict[str, Any]) -> Response:
    with reading_one_instant() as session:
        found = dispatch_queries.fulfillment_order_of_supplier(
            session, fulfillment_order_id, current_scope_id()
        )
        paper, name = pick_list(session, found), f"配货单-{found.number}"
    return paper_file(paper, name, query_data["format"])
