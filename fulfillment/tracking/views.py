"""A member sees where a parcel is; suppliers, operators and the aggregator say so."""

from typing import Any
from uuid import UUID

import structlog
from apiflask import APIBlueprint
from flask import current_app, request
from sqlalchemy.orm import Session

from fulfillment.shipments import service as shipment_service
from fulfillment.tracking import queries, rules, service
from fulfillment.tracking.gateway import PushRefused, TrackingGateway
from fulfillment.tracking.schemas import PushReply, TrackingEventReply, TrackingReply
from mall.access.guard import current_member_id, public
from mall.kernel.settings import current_settings
from mall.kernel.uow import reading, unit_of_work
from mall.web.fields import values_of

bp = APIBlueprint("tracking", __name__, tag="Store: orders")
log = structlog.get_logger(__name__)
MAX_PUSH_BYTES = 512 * 1024


def shown(session: Session, shipment_id: UUID) -> dict[str, Any]:
    """Return where a parcel is, with what happened to it."""
    shipment = shipment_service.get_shipment(session, shipment_id)
    found = queries.parcel_of(session, shipment_id)
    events = queries.events_of(session, shipment_id, shipment.tracking_no)
    return {
        "shipment_id": shipment.id,
        "carrier": shipment.carrier,
        "tracking_no": shipment.tracking_no,
        "state": found.state if found is not None else rules.SENT,
        "delivered_at": shipment.delivered_at,
        "events": [values_of(each, TrackingEventReply) for each in events],
    }


@bp.get("/v1/store/shipments/<uuid:shipment_id>/tracking")
@bp.output(TrackingReply)
@bp.doc(summary="See where a parcel of one's own order is")
def track(shipment_id: UUID) -> dict[str, Any]:
    with reading() as session:
        shipment_service.members_shipment(session, shipment_id, current_member_id())
        return shown(session, shipment_id)


@bp.post("/v1/webhooks/kuaidi100/<uuid:shipment_id>")
@public
@bp.output(PushReply)
@bp.doc(
    summary="kuaidi100's push about a parcel: a form of `param` and its signature",
    description="The signature is MD5 over `param` and the parcel's salt, in capitals. Repeated,"
    " late and out of order it changes nothing that it should not.",
    tags=["Webhooks"],
    responses={400: "Not signed, or not understood; it is repeated", 404: "No such parcel"},
)
def take_push(shipment_id: UUID) -> Any:
    request.max_content_length = request.max_form_memory_size = MAX_PUSH_BYTES
    gateway: TrackingGateway = current_app.extensions["mall_tracking_gateway"]
    salt = rules.salt_of(shipment_id, current_settings().secret_key)
    try:
        news = gateway.parse_push(request.form.to_dict(), salt)
    except PushRefused as error:
        log.warning("push_not_believed", shipment_id=str(shipment_id), why=str(error))
        return {"result": False, "returnCode": "500", "message": str(error)}, 400
    with unit_of_work() as uow:
        service.take_update(uow, shipment_id, news)
    return {"result": True, "returnCode": "200", "message": "成功"}
