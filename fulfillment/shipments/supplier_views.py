"""A supplier dispatches."""

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from flask import Response

from fulfillment.dispatch import queries
from fulfillment.dispatch.schemas import FulfillmentOrderReply
from fulfillment.shipments import service
from fulfillment.shipments.schemas import DispatchBody
from mall.access.guard import current, current_scope_id
from mall.kernel.uow import UnitOfWork
from mall.web.replies import idempotently, takes_key

bp = APIBlueprint(
    "shipments", __name__, url_prefix="/v1/supplier/fulfillment-orders", tag="Supplier"
)


@bp.post("/<uuid:fulfillment_order_id>/shipments")
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
    parcel = service.Parcel(json_data["carrier"], json_data["tracking_no"], items, actor)

    def work(uow: UnitOfWork) -> dict[str, Any]:
        queries.own_fulfillment_order(uow.session, fulfillment_order_id, supplier_id)
        service.dispatch(uow, fulfillment_order_id, parcel)
        found = queries.own_fulfillment_order(uow.session, fulfillment_order_id, supplier_id)
        lines = queries.lines_of(uow.session, [found.id])[found.id]
        reply: dict[str, Any] = FulfillmentOrderReply().dump(queries.reply(found, lines))
        return reply

    return idempotently(work)
