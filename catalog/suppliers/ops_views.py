"""Operators open and suspend suppliers."""

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint

from catalog.suppliers import queries
from catalog.suppliers.models import Supplier
from catalog.suppliers.schemas import (
    CommissionBody,
    CommissionList,
    SupplierBody,
    SupplierPage,
    SupplierReply,
    SupplierState,
)
from catalog.suppliers.service import commissions, supplying
from mall.access.guard import current, needs_duty
from mall.access.rules import FINANCE_ENTERS, REVIEWS
from mall.approvals.replies import ProposalReply, reply_of
from mall.approvals.service import authors
from mall.kernel.uow import reading, unit_of_work
from mall.web.fields import PageQuery, page

bp = APIBlueprint("suppliers_ops", __name__, url_prefix="/v1/ops/suppliers", tag="Operations")


def _reply(supplier: Supplier) -> dict[str, Any]:
    return {
        "id": supplier.id,
        "name": supplier.name,
        "state": supplier.state,
        "created_at": supplier.created_at,
    }


@bp.get("")
@bp.input(PageQuery, location="query")
@bp.output(SupplierPage)
@bp.doc(summary="List suppliers, newest first")
def list_suppliers(query_data: dict[str, Any]) -> dict[str, Any]:
    with reading() as session:
        found = queries.list_suppliers(session, query_data["cursor"], query_data["limit"])
        return page(found, query_data["limit"], _reply)


@bp.post("")
@needs_duty(REVIEWS)
@bp.input(SupplierBody)
@bp.output(SupplierReply, 201)
@bp.doc(summary="Open a supplier")
def open_supplier(json_data: dict[str, str]) -> dict[str, Any]:
    with unit_of_work() as uow:
        supplier_id = supplying.open_supplier(uow, json_data["name"])
        return _reply(queries.get_supplier(uow.session, supplier_id))


@bp.put("/<uuid:supplier_id>/state")
@needs_duty(REVIEWS)
@bp.input(SupplierState)
@bp.output(SupplierReply)
@bp.doc(summary="Suspend, reopen or close a supplier")
def change_state(supplier_id: UUID, json_data: dict[str, str]) -> dict[str, Any]:
    with unit_of_work() as uow:
        return _reply(supplying.change_state(uow, supplier_id, json_data["state"]))


def rates_reply(supplier_id: UUID) -> dict[str, Any]:
    """Return the commission of a supplier over time, as both sides read it."""
    with reading() as session:
        supplier = queries.get_supplier(session, supplier_id)
        found = queries.commission_rates(session, supplier_id)
        return {"first_bps": supplier.commission_bps, "items": found}


@bp.get("/<uuid:supplier_id>/commission")
@bp.output(CommissionList)
@bp.doc(summary="List the commission of a supplier over time, newest day first")
def list_commission(supplier_id: UUID) -> dict[str, Any]:
    return rates_reply(supplier_id)


@bp.post("/<uuid:supplier_id>/commission")
@needs_duty(FINANCE_ENTERS)
@bp.input(CommissionBody)
@bp.output(ProposalReply, 202)
@bp.doc(
    summary="Propose the commission from a later day on; what was sold keeps its own",
    description="Another operator confirms it at /v1/ops/proposals.",
    responses={409: "It waits already"},
)
def set_commission(supplier_id: UUID, json_data: dict[str, Any]) -> dict[str, Any]:
    with unit_of_work() as uow:
        by = authors.signer(uow, current())
        return reply_of(commissions.propose_commission(uow, by, supplier_id, **json_data))
