"""Operators see what is late."""

from typing import Any

from apiflask import APIBlueprint

from fulfillment.dispatch.schemas import FulfillmentOrderPage, FulfillmentOrderQuery
from fulfillment.dispatch.views import listed
from mall.kernel.uow import reading

bp = APIBlueprint(
    "ops_fulfillment", __name__, url_prefix="/v1/ops/fulfillment-orders", tag="Operations"
)


@bp.get("")
@bp.input(FulfillmentOrderQuery, location="query")
@bp.output(FulfillmentOrderPage)
@bp.doc(summary="List fulfillment orders of all suppliers; `overdue=true`: what is late")
def list_fulfillment_orders(query_data: dict[str, Any]) -> dict[str, Any]:
    with reading() as session:
        return listed(session, None, query_data)
