"""Operators see every case and decide appeals."""

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from flask import Response

from fulfillment.after_sales import queries
from fulfillment.after_sales.schemas import (
    ArbitrateBody,
    CaseDetailReply,
    CasePage,
    CaseQuery,
    CaseReply,
)
from fulfillment.after_sales.service import deciding
from fulfillment.after_sales.service.deciding import Verdict
from fulfillment.after_sales.views import decided, detail_of, page_of
from mall.access.guard import current, needs_duty
from mall.access.rules import SERVICE
from mall.web.replies import takes_key

bp = APIBlueprint("ops_after_sales", __name__, url_prefix="/v1/ops/after-sales", tag="Operations")


@bp.get("")
@bp.input(CaseQuery, location="query")
@bp.output(CasePage)
@bp.doc(summary="List after-sales cases, newest first; `state=appealed`: what waits for you")
def list_cases(query_data: dict[str, Any]) -> dict[str, Any]:
    return page_of({}, query_data)


@bp.get("/<uuid:case_id>")
@bp.output(CaseDetailReply)
@bp.doc(summary="Read a case with its history")
def read_case(case_id: UUID) -> dict[str, Any]:
    return detail_of(lambda session: queries.any_case(session, case_id))


@bp.post("/<uuid:case_id>/arbitrate")
@needs_duty(SERVICE)
@takes_key
@bp.input(ArbitrateBody)
@bp.output(CaseReply)
@bp.doc(
    summary="Decide an appeal: dismiss, grant, or grant a part; needs an Idempotency-Key",
    responses={409: "Not appealed", 422: "More than was asked"},
)
def arbitrate(case_id: UUID, json_data: dict[str, Any]) -> Response:
    actor = current().name
    return decided(lambda uow: deciding.arbitrate(uow, case_id, actor, Verdict(**json_data)))
