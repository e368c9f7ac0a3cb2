"""Members pay; WeChat tells that they did."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import structlog
from apiflask import APIBlueprint
from flask import Response, request

from mall.access.guard import current_member_id, public
from mall.kernel.errors import DomainError
from mall.kernel.uow import reading, unit_of_work
from mall.members import queries as members
from orders.order import queries as orders
from orders.payments import collecting, queries, rules, service
from orders.payments.schemas import BeginPayment, PaymentList, PaymentReply

log = structlog.get_logger(__name__)
bp = APIBlueprint("payments", __name__, tag="Store: orders")

_ANSWER = (
    "<xml><return_code><![CDATA[{code}]]></return_code>"
    "<return_msg><![CDATA[{message}]]></return_msg></xml>"
)


def answer_wechat(work: Callable[[], None], about: str) -> Response:
    """Do what a notice asks for and answer as WeChat expects it: SUCCESS, or FAIL to get it again."""
    code, message = "SUCCESS", "OK"
    try:
        work()
    except DomainError as error:
        log.warning(f"{about}_refused", code=error.code, reason=str(error))
        code, message = "FAIL", error.code
    text = _ANSWER.format(code=code, message=message)
    return Response(text, content_type="text/xml; charset=utf-8")


@bp.post("/v1/store/orders/<uuid:order_id>/payments")
@bp.input(BeginPayment)
@bp.output(PaymentReply, 201)
@bp.doc(
    summary="Begin to pay the WeChat part: pay parameters or a QR code",
    description="Repeating it is safe: the open payment of that type is used again.",
    responses={503: "WeChat does not answer", 409: "Nothing to pay, or too late"},
)
def begin_payment(order_id: UUID, json_data: dict[str, str]) -> dict[str, Any]:
    member_id = current_member_id()
    with unit_of_work() as uow:
        begun = service.begin_payment(uow, member_id, order_id, json_data["trade_type"])
        openid = members.openid_of(uow.session, member_id)
    prepay_id, code_url = collecting.ensure_prepaid(begun, openid)
    is_jsapi = begun.trade_type == rules.JSAPI
    return {
        "payment_id": begun.payment_id,
        "out_trade_no": begun.out_trade_no,
        "amount_fen": begun.amount_fen,
        "trade_type": begun.trade_type,
        "expires_at": begun.expires_at,
        "pay_parameters": collecting.gateway().pay_parameters(prepay_id) if is_jsapi else None,
        "code_url": code_url,
    }


@bp.get("/v1/store/orders/<uuid:order_id>/payments")
@bp.output(PaymentList)
@bp.doc(summary="List the payments asked for one's own order")
def list_payments(order_id: UUID) -> dict[str, Any]:
    with reading() as session:
        orders.get_order(session, order_id, current_member_id())
        return {"items": queries.payments_of(session, order_id)}


@bp.post("/v1/webhooks/wechat/pay")
@public
@bp.doc(
    summary="WeChat's notice that a payment was made (signed XML)",
    tags=["Webhooks"],
    responses={200: "SUCCESS or FAIL as WeChat expects it, in XML"},
)
def pay_notice() -> Response:
    body = request.get_data(cache=False)

    def work() -> None:
        notice = collecting.gateway().parse_notice(body)
        with unit_of_work() as uow:
            service.record_success(
                uow, notice.out_trade_no, notice.transaction_id, notice.amount_fen
            )

    return answer_wechat(work, "payment_notice")
