"""A supplier sees what it must fulfil."""

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint

from fulfillment.dispatch import queries
from fulfillment.dispatch.schemas import (
    FulfillmentOrderPage,
    FulfillmentOrderQuery,
    FulfillmentOrderReply,
)
from fulfillment.dispatch.views import listed
from mall.access.guard import current_scope_id
from mall.kernel.uow import reading

bp = APIBlueprint(
    "supplier_fulfillment", __name__, url_prefix="/v1/supplier/fulfillment-orders", tag="Supplier"
)


@bp.get("")
@bp.input(FulfillmentOrderQuery, location="query")
@bp.output(FulfillmentOrderPage)
@bp.doc(summary="List one's own fulfillment orders, newest first; recipients masked")
def list_fulfillment_orders(query_data: dict[str, Any]) -> dict[str, Any]:
    with reading() as session:
        return listed(session, current_scope_id(), query_data)


@bp.get("/<uuid:fulfillment_order_id>")
@bp.output(FulfillmentOrderReply)
@bp.doc(summary="Read one with the whole address to ship to")
def read_fulfillment_order(fulfillment_order_id: UUID) -> dict[str, Any]:
    with reading() as session:
        found = queries.fulfillment_order_of_supplier(
            session, fulfillment_order_id, current_scope_id()
        )
        return queries.reply(found, queries.lines_of(session, [found.id])[found.id])
