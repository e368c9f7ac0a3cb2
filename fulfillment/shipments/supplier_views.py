"""A supplier dispatches."""

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from flask import Response

from fulfillment.dispatch import queries as dispatch_queries
from fulfillment.dispatch.schemas import FulfillmentOrderReply
from fulfillment.shipments import rules, service
from fulfillment.shipments.schemas import (
    CarrierList,
    DispatchBody,
    ParcelBody,
    ShipmentReply,
)
from mall.access.guard import current, current_scope_id, open_to_all
from mall.access.rules import SUPPLIER
from mall.kernel.uow import UnitOfWork, unit_of_work
from mall.web.replies import idempotently, takes_key

bp = APIBlueprint(
    "shipments", __name__, url_prefix="/v1/supplier/fulfillment-orders", tag="Supplier"
)
parcels_bp = APIBlueprint("supplier_parcels", __name__, url_prefix="/v1/supplier", tag="Supplier")


@parcels_bp.get("/carriers")
@parcels_bp.output(CarrierList)
@parcels_bp.doc(summary="List the carriers and how their numbers look")
def list_carriers() -> dict[str, Any]:
    return {"items": [{**vars(each), "name": each.wording.zh} for each in rules.CARRIERS.values()]}


@parcels_bp.put("/shipments/<uuid:shipment_id>")
@open_to_all(SUPPLIER)
@parcels_bp.input(ParcelBody)
@parcels_bp.output(ShipmentReply)
@parcels_bp.doc(
    summary="Correct a parcel's carrier and number until it is delivered",
    responses={409: "It was delivered"},
)
def correct(shipment_id: UUID, json_data: dict[str, Any]) -> Any:
    with unit_of_work() as uow:
        service.own_shipment(uow.session, shipment_id, current_scope_id())
        return service.correct(uow, shipment_id, **json_data, by=current().name)


@bp.post("/<uuid:fulfillment_order_id>/shipments")
@open_to_all(SUPPLIER)
@takes_key
@bp.input(DispatchBody)
@bp.output(FulfillmentOrderReply, 201)
@bp.doc(
    summary="Dispatch a parcel, wholly or in part; needs an Idempotency-Key",
    responses={409: "All of it is dispatched", 422: "More than what is left"},
)
def dispatch(fulfillment_order_id: UUID, json_data: dict[str, Any]) -> Response:
    supplier_id, actor = current_scope_id(), current().name
    items = tuple(json_data["items"]) if json_data["items"] is not None else None
    parcel = service.Parcel(
        json_data["carrier"], json_data["tracking_no"], items, actor, json_data["is_shared"]
    )

    def work(uow: UnitOfWork) -> dict[str, Any]:
        dispatch_queries.fulfillment_order_of_supplier(
            uow.session, fulfillment_order_id, supplier_id
        )
        service.dispatch(uow, fulfillment_order_id, parcel)
        found = dispatch_queries.fulfillment_order_of_supplier(
            uow.session, fulfillment_order_id, supplier_id
        )
        lines = dispatch_queries.lines_of(uow.session, [found.id])[found.id]
        reply: dict[str, Any] = FulfillmentOrderReply().dump(dispatch_queries.reply(found, lines))
        return reply

    return idempotently(work)
