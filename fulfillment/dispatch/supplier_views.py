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
from mall.access.guard import current_scope_id
from mall.kernel.uow import reading
from mall.members.rules import mask_name, mask_phone
from mall.web.fields import page

bp = APIBlueprint(
    "supplier_fulfillment", __name__, url_prefix="/v1/supplier/fulfillment-orders", tag="Supplier"
)


def _masked(reply: dict[str, Any]) -> dict[str, Any]:
    """Hide who it is for: a list needs the place, only the parcel's label the person."""
    address = reply["address"]
    if address is not None:
        reply["address"] = {
            **address,
            "recipient": mask_name(address["recipient"]),
            "phone": mask_phone(address["phone"]),
            "detail": "***",
        }
    return reply


@bp.get("")
@bp.input(FulfillmentOrderQuery, location="query")
@bp.output(FulfillmentOrderPage)
@bp.doc(summary="List one's own fulfillment orders, newest first; recipients masked")
def list_fulfillment_orders(query_data: dict[str, Any]) -> dict[str, Any]:
    with reading() as session:
        found = queries.list_for_supplier(
            session,
            current_scope_id(),
            query_data["state"],
            query_data["cursor"],
            query_data["limit"],
        )
        lines = queries.lines_of(session, [each.id for each in found])
        items = [_masked(queries.reply(each, lines[each.id])) for each in found]
        return page(items, query_data["limit"])


@bp.get("/<uuid:fulfillment_order_id>")
@bp.output(FulfillmentOrderReply)
@bp.doc(summary="Read one with the whole address to ship to")
def read_fulfillment_order(fulfillment_order_id: UUID) -> dict[str, Any]:
    with reading() as session:
        found = queries.own_fulfillment_order(session, fulfillment_order_id, current_scope_id())
        return queries.reply(found, queries.lines_of(session, [found.id])[found.id])
