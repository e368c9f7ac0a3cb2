"""A supplier answers unions that ask for another price within a pack."""

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint

from catalog.packs import queries, service
from catalog.packs.rules import Answer
from catalog.packs.schemas import (
    PriceAnswerBody,
    PriceRequestPage,
    PriceRequestQuery,
    PriceRequestReply,
)
from mall.access.guard import current, current_scope_id, open_to_all
from mall.access.rules import SUPPLIER
from mall.kernel.uow import reading, unit_of_work
from mall.web.fields import page, values_of

bp = APIBlueprint(
    "price_requests", __name__, url_prefix="/v1/supplier/price-requests", tag="Supplier"
)


@bp.get("")
@bp.input(PriceRequestQuery, location="query")
@bp.output(PriceRequestPage)
@bp.doc(summary="List the prices that unions asked for, newest first")
def list_requests(query_data: dict[str, Any]) -> dict[str, Any]:
    with reading() as session:
        found = queries.requests_of_supplier(session, current_scope_id(), **query_data)
        rows = [values_of(each, PriceRequestReply) for each in found]
        return page(rows, query_data["limit"])


@bp.post("/<uuid:request_id>/answer")
@open_to_all(SUPPLIER)
@bp.input(PriceAnswerBody)
@bp.output(PriceRequestReply)
@bp.doc(
    summary="Accept or refuse a price; what was accepted is that pack's for good",
    responses={409: "It was decided the other way"},
)
def answer(request_id: UUID, json_data: dict[str, Any]) -> Any:
    given = Answer(**json_data, by=current().name)
    with unit_of_work() as uow:
        return service.answer_price(uow, current_scope_id(), request_id, given)
