"""A member reads its orders."""

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from flask import Response

from mall.access.guard import current_member_id
from mall.kernel.db import current_pool
from mall.kernel.uow import reading
from mall.web.replies import whole
from orders.order import queries
from orders.order.schemas import OrderDetailReply, OrderPage, OrderQuery

bp = APIBlueprint("orders", __name__, url_prefix="/v1/store/orders", tag="Store: orders")


@bp.get("")
@bp.input(OrderQuery, location="query")
@bp.output(OrderPage)
@bp.doc(summary="List one's own orders, newest first")
def list_orders(query_data: dict[str, Any]) -> Response:
    asked = (query_data["state"], query_data["cursor"], query_data["limit"])
    return whole(queries.page_of_member(current_pool(), current_member_id(), *asked))


@bp.get("/<uuid:order_id>")
@bp.output(OrderDetailReply)
@bp.doc(summary="Read one's own order with its history")
def read_order(order_id: UUID) -> dict[str, Any]:
    with reading() as session:
        order = queries.order_of_member(session, order_id, current_member_id())
        lines = queries.lines_of(session, [order.id])[order.id]
        reply = queries.order_reply(order, lines)
        return {**reply, "history": queries.history(session, order.id)}
