"""Operators say where a parcel is when nobody else does."""

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint

from fulfillment.tracking import service
from fulfillment.tracking.rules import Report
from fulfillment.tracking.schemas import ReportBody, TrackingReply
from fulfillment.tracking.views import shown
from mall.access.guard import current, needs_duty
from mall.access.rules import SERVICE
from mall.kernel.uow import reading, unit_of_work

bp = APIBlueprint("ops_tracking", __name__, url_prefix="/v1/ops/shipments", tag="Operations")


@bp.get("/<uuid:shipment_id>/tracking")
@bp.output(TrackingReply)
@bp.doc(summary="See where a parcel is")
def track(shipment_id: UUID) -> dict[str, Any]:
    with reading() as session:
        return shown(session, shipment_id)


@bp.post("/<uuid:shipment_id>/events")
@needs_duty(SERVICE)
@bp.input(ReportBody)
@bp.output(TrackingReply, 201)
@bp.doc(
    summary="Report what happened to a parcel; the same report again changes nothing",
    responses={409: "As many events as are kept", 422: "Before the dispatch, or after now"},
)
def report(shipment_id: UUID, json_data: Report) -> dict[str, Any]:
    with unit_of_work() as uow:
        service.report(uow, shipment_id, json_data, current().name)
        return shown(uow.session, shipment_id)
