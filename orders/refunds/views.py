"""Members follow the money that comes back to them; WeChat tells what became of it."""

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from flask import Response, request

from mall.access.guard import current_member_id, public
from mall.kernel.uow import reading, unit_of_work
from orders.order import queries as orders
from orders.payments import collecting
from orders.payments.views import answer_wechat
from orders.refunds import queries, service
from orders.refunds.schemas import RefundList

bp = APIBlueprint("refunds", __name__, url_prefix="/v1/store/orders", tag="Store: orders")
notice_bp = APIBlueprint("refund_notices", __name__, tag="Webhooks")


@bp.get("/<uuid:order_id>/refunds")
@bp.output(RefundList)
@bp.doc(summary="List what comes back of one's own order over WeChat; beans are back at once")
def list_refunds(order_id: UUID) -> dict[str, Any]:
    with reading() as session:
        orders.get_order(session, order_id, current_member_id())
        return {"items": queries.of_order(session, order_id)}


@notice_bp.post("/v1/webhooks/wechat/refund")
@public
@notice_bp.doc(
    summary="WeChat's notice of what became of a refund (encrypted XML)",
    responses={200: "SUCCESS or FAIL as WeChat expects it, in XML"},
)
def refund_notice() -> Response:
    body = request.get_data(cache=False)

    def work() -> None:
        notice = collecting.gateway().parse_refund_notice(body)
        with unit_of_work() as uow:
            service.record_notice(uow, notice)

    return answer_wechat(work, "refund_notice")
