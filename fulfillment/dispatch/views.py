"""A member follows and confirms what is under way."""

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from sqlalchemy.orm import Session

from fulfillment.dispatch import queries, service
from fulfillment.dispatch.schemas import FulfillmentOrderList, FulfillmentOrderReply
from mall.access.guard import current, current_member_id
from mall.kernel.clock import now
from mall.kernel.rows.shown import each_shown
from mall.kernel.uow import reading, unit_of_work
from mall.members.rules import mask_name, mask_phone
from mall.web.fields import page
from orders.order import queries as order_queries

bp = APIBlueprint("fulfillment", __name__, url_prefix="/v1/store", tag="Store: orders")


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


def listed(
    session: Session, supplier_id: UUID | None, query_data: dict[str, Any]
) -> dict[str, Any]:
    """Return a page of fulfillment orders, of a supplier or of all, recipients masked."""
    overdue_at = now() if query_data["overdue"] else None
    filters = queries.FulfillmentFilter(supplier_id, query_data["state"], overdue_at)
    found = queries.list_fulfillment_orders(
        session, filters, query_data["cursor"], query_data["limit"]
    )
    lines = queries.lines_of(session, [each.id for each in found])
    return page(
        found, query_data["limit"], lambda each: _masked(queries.reply(each, lines[each.id]))
    )


# The endpoint is the operationId: clients are generated with it, so it outlives the rename.
@bp.get("/orders/<uuid:order_id>/fulfillment-orders", endpoint="list_parts")
@bp.output(FulfillmentOrderList)
@bp.doc(summary="List the fulfillment orders one's own order was split into")
def list_fulfillment_orders(order_id: UUID) -> dict[str, Any]:
    with reading() as session:
        order_queries.order_of_member(session, order_id, current_member_id())
        found = queries.of_order(session, order_id)
        lines = queries.lines_of(session, [each.id for each in found])
        return {"items": each_shown(lambda each: queries.reply(each, lines[each.id]), found)}


@bp.post("/fulfillment-orders/<uuid:fulfillment_order_id>/confirm")
@bp.output(FulfillmentOrderReply)
@bp.doc(
    summary="Confirm receipt; the last fulfillment order completes the order",
    responses={409: "Not sent"},
)
def confirm(fulfillment_order_id: UUID) -> dict[str, Any]:
    with unit_of_work() as uow:
        queries.fulfillment_order_of_member(uow.session, fulfillment_order_id, current_member_id())
        found = service.deliver(uow, fulfillment_order_id, current().name)
        lines = queries.lines_of(uow.session, [found.id])[found.id]
        return queries.reply(found, lines)
