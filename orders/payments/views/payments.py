"""Members pay; WeChat tells that they did."""

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from flask import Response, request

from mall.access.guard import current_member_id, public
from mall.kernel.uow import reading, unit_of_work
from mall.members import queries as member_queries
from mall.members.service import unions
from orders.order import queries as order_queries
from orders.payments import process, queries, rules, service
from orders.payments.gateway import WireMessage
from orders.payments.rules import ConfirmedPayment
from orders.payments.schemas import BeginPayment, PaymentList, PaymentReply
from orders.payments.views import answering

bp = APIBlueprint("payments", __name__, tag="Store: orders")


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
    with reading() as session:
        merchant = process.merchants().serving(unions.codes_of(session, member_id))
    with unit_of_work() as uow:
        begun = service.begin_payment(uow, member_id, order_id, json_data["trade_type"], merchant)
        openid = member_queries.openid_of(uow.session, member_id)
    prepay_id, code_url = process.ensure_prepaid(begun, openid, request.remote_addr)
    is_jsapi = begun.trade_type == rules.JSAPI
    parameters = process.merchant(begun.merchant).gateway.pay_parameters
    return {
        "payment_id": begun.payment_id,
        "out_trade_no": begun.out_trade_no,
        "amount_fen": begun.amount_fen,
        "trade_type": begun.trade_type,
        "expires_at": begun.expires_at,
        "pay_parameters": parameters(prepay_id) if is_jsapi else None,
        "code_url": code_url,
    }


@bp.get("/v1/store/orders/<uuid:order_id>/payments")
@bp.output(PaymentList)
@bp.doc(summary="List the payments asked for one's own order")
def list_payments(order_id: UUID) -> dict[str, Any]:
    with reading() as session:
        order_queries.order_of_member(session, order_id, current_member_id())
        return {"items": queries.payments_of(session, order_id)}


@bp.post("/v1/webhooks/wechat/pay")
@bp.post("/v1/webhooks/wechat/<string:merchant>/pay")
@public
@bp.doc(
    summary="WeChat's notice that a payment was made: signed XML (v2) or sealed JSON (v3)",
    description="Each merchant beside the main one has an address of its own.",
    tags=["Webhooks"],
    responses={200: "Taken, in WeChat's words", 400: "v3: not believed; WeChat repeats it"},
)
def pay_notice(merchant: str | None = None) -> Response:
    incoming = answering.incoming()

    def work() -> None:
        name = merchant or process.merchants().main
        notice = process.merchant(name).parse_notice(incoming)
        paid = ConfirmedPayment(name, notice.out_trade_no, notice.transaction_id, notice.amount_fen)
        answering.apply(
            lambda uow: service.record_success(uow, paid),
            WireMessage(name, "pay_notice", notice.out_trade_no, "taken", "", notice.text),
        )

    return answering.answer(incoming, work, "payment_notice")
