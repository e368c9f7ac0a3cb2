"""A supplier says where its own parcels are."""

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint

from fulfillment.shipments import service as shipment_service
from fulfillment.tracking import service
from fulfillment.tracking.rules import Report
from fulfillment.tracking.schemas import ReportBody, TrackingReply
from fulfillment.tracking.views import shown
from mall.access.guard import current, current_scope_id, open_to_all
from mall.access.rules import SUPPLIER
from mall.kernel.uow import reading, unit_of_work

bp = APIBlueprint("supplier_tracking", __name__, url_prefix="/v1/supplier", tag="Supplier")


@bp.get("/shipments/<uuid:shipment_id>/tracking")
@bp.output(TrackingReply)
@bp.doc(summary="See where one's own parcel is")
def track(shipment_id: UUID) -> dict[str, Any]:
    with reading() as session:
        shipment_service.own_shipment(session, shipment_id, current_scope_id())
        return shown(session, shipment_id)


@bp.post("/shipments/<uuid:shipment_id>/events")
@open_to_all(SUPPLIER)
@bp.input(ReportBody)
@bp.output(TrackingReply, 201)
@bp.doc(
    summary="Report what happened to one's own parcel; the same report again changes nothing",
    description="`delivered` closes the parcel; the last parcel of a fulfillment order delivers it.",
    responses={409: "As many events as are kept", 422: "Before the dispatch, or after now"},
)
def report(shipment_id: UUID, json_data: Report) -> dict[str, Any]:
    with unit_of_work() as uow:
        shipment_service.own_shipment(uow.session, shipment_id, current_scope_id())
        service.report(uow, shipment_id, json_data, current().name)
        return shown(uow.session, shipment_id)
