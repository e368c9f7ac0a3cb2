"""A supplier decides about after-sales of its goods."""

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from flask import Response

from fulfillment.after_sales import queries
from fulfillment.after_sales.schemas import (
    AcceptGoodsBody,
    ApproveBody,
    CaseDetailReply,
    CasePage,
    CaseQuery,
    CaseReply,
    RejectBody,
    ReturnAddressBody,
    ReturnAddressReply,
)
from fulfillment.after_sales.service import asking, deciding
from fulfillment.after_sales.views import decided, detail_of, page_of
from mall.access.guard import current, current_scope_id, open_to_all
from mall.access.rules import SUPPLIER
from mall.kernel.errors import NotFound
from mall.kernel.uow import UnitOfWork, reading, unit_of_work
from mall.members.rules import AddressForm
from mall.web.replies import takes_key

bp = APIBlueprint(
    "supplier_after_sales", __name__, url_prefix="/v1/supplier/after-sales", tag="Supplier"
)


def _own(uow: UnitOfWork, case_id: UUID) -> str:
    """See that a case is the asking supplier's; return who asks."""
    queries.case_of_supplier(uow.session, case_id, current_scope_id())
    return current().name


@bp.get("")
@bp.input(CaseQuery, location="query")
@bp.output(CasePage)
@bp.doc(summary="List after-sales cases of one's own goods, newest first")
def list_cases(query_data: dict[str, Any]) -> dict[str, Any]:
    return page_of({"supplier_id": current_scope_id()}, query_data)


@bp.get("/<uuid:case_id>")
@bp.output(CaseDetailReply)
@bp.doc(summary="Read a case with its history")
def read_case(case_id: UUID) -> dict[str, Any]:
    mine = current_scope_id()
    return detail_of(lambda session: queries.case_of_supplier(session, case_id, mine))


@bp.post("/<uuid:case_id>/approve")
@open_to_all(SUPPLIER)
@takes_key
@bp.input(ApproveBody)
@bp.output(CaseReply)
@bp.doc(
    summary="Agree: money goes back, or goods are to be sent back; needs an Idempotency-Key",
    responses={409: "Decided already, or no return address"},
)
def approve(case_id: UUID, json_data: dict[str, str]) -> Response:
    return decided(
        lambda uow: deciding.approve(uow, case_id, _own(uow, case_id), json_data["note"])
    )


@bp.post("/<uuid:case_id>/reject")
@open_to_all(SUPPLIER)
@bp.input(RejectBody)
@bp.output(CaseReply)
@bp.doc(
    summary="Refuse a request, or goods that came back not as they should",
    responses={409: "Decided already"},
)
def reject(case_id: UUID, json_data: dict[str, str]) -> dict[str, Any]:
    with unit_of_work() as uow:
        return queries.reply(deciding.reject(uow, case_id, _own(uow, case_id), json_data["note"]))


@bp.post("/<uuid:case_id>/receive")
@open_to_all(SUPPLIER)
@bp.input(ApproveBody)
@bp.output(CaseReply)
@bp.doc(summary="Record that returned goods have come", responses={409: "Not on their way"})
def receive(case_id: UUID, json_data: dict[str, str]) -> dict[str, Any]:
    with unit_of_work() as uow:
        return queries.reply(deciding.receive(uow, case_id, _own(uow, case_id), json_data["note"]))


@bp.post("/<uuid:case_id>/accept-goods")
@open_to_all(SUPPLIER)
@takes_key
@bp.input(AcceptGoodsBody)
@bp.output(CaseReply)
@bp.doc(
    summary="Find returned goods right: refund or replace them; needs an Idempotency-Key",
    responses={409: "Not received yet, or none left to send instead"},
)
def accept_goods(case_id: UUID, json_data: dict[str, Any]) -> Response:
    return decided(lambda uow: deciding.accept_goods(uow, case_id, _own(uow, case_id), **json_data))


@bp.get("/return-address")
@bp.output(ReturnAddressReply)
@bp.doc(summary="Read where goods are returned to", responses={404: "Never said"})
def read_return_address() -> Any:
    with reading() as session:
        found = queries.return_address(session, current_scope_id())
        if found is None:
            raise NotFound("return address")
        return found


@bp.put("/return-address")
@open_to_all(SUPPLIER)
@bp.input(ReturnAddressBody)
@bp.output(ReturnAddressReply)
@bp.doc(summary="Say where goods are returned to; without it silence refunds without a return")
def set_return_address(json_data: AddressForm) -> Any:
    with unit_of_work() as uow:
        found = asking.set_return_address(uow, current_scope_id(), json_data)
        return found
