"""A member follows its parcels."""

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint

from fulfillment.dispatch import queries as dispatch_queries
from fulfillment.shipments import service
from fulfillment.shipments.schemas import ShipmentList
from mall.access.guard import current_member_id
from mall.kernel.uow import reading
from orders.order import queries as order_queries

bp = APIBlueprint("parcels", __name__, url_prefix="/v1/store/orders", tag="Store: orders")


@bp.get("/<uuid:order_id>/shipments")
@bp.output(ShipmentList)
@bp.doc(summary="List the parcels of one's own order")
def list_shipments(order_id: UUID) -> dict[str, Any]:
    with reading() as session:
        order_queries.order_of_member(session, order_id, current_member_id())
        fulfillment_orders = [each.id for each in dispatch_queries.of_order(session, order_id)]
        return {"items": service.shipments_of(session, fulfillment_orders)}
