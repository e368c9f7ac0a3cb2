"""Members follow the money that comes back to them; WeChat tells what became of it."""

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from flask import Response

from mall.access.guard import current_member_id, public
from mall.kernel.uow import reading
from orders.order import queries as order_queries
from orders.payments import process as payment_process
from orders.payments.gateway import WireMessage
from orders.payments.views import answering
from orders.refunds import queries
from orders.refunds.schemas import RefundList
from orders.refunds.service import refunding

bp = APIBlueprint("refunds", __name__, url_prefix="/v1/store/orders", tag="Store: orders")
notice_bp = APIBlueprint("refund_notices", __name__, tag="Webhooks")


@bp.get("/<uuid:order_id>/refunds")
@bp.output(RefundList)
@bp.doc(summary="List what comes back of one's own order over WeChat; beans are back at once")
def list_refunds(order_id: UUID) -> dict[str, Any]:
    with reading() as session:
        order_queries.order_of_member(session, order_id, current_member_id())
        return {"items": queries.of_order(session, order_id)}


@notice_bp.post("/v1/webhooks/wechat/refund")
@notice_bp.post("/v1/webhooks/wechat/<string:merchant>/refund")
@public
@notice_bp.doc(
    summary="WeChat's notice of what became of a refund: sealed XML (v2) or JSON (v3)",
    responses={200: "Taken, in WeChat's words", 400: "v3: not believed; WeChat repeats it"},
)
def refund_notice(merchant: str | None = None) -> Response:
    incoming = answering.incoming()

    def work() -> None:
        name = merchant or payment_process.merchants().main
        notice = payment_process.merchant(name).parse_refund_notice(incoming)
        answering.apply(
            lambda uow: refunding.record_notice(uow, name, notice),
            WireMessage(name, "refund_notice", notice.out_refund_no, "taken", "", notice.text),
        )

    return answering.answer(incoming, work, "refund_notice")
