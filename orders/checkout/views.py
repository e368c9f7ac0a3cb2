"""Checkout endpoints for members."""

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from flask import Response

from mall.access.guard import current, current_member_id
from mall.kernel import clock
from mall.kernel.uow import UnitOfWork, reading
from mall.ledger.rules import Draw
from mall.web.replies import idempotently, takes_key
from orders.checkout import process, rules, service
from orders.checkout.schemas import (
    CancelReply,
    PlaceOrderBody,
    QuoteBody,
    QuoteReply,
    ReceiptReply,
)
from orders.order import rules as order_rules

bp = APIBlueprint("checkout", __name__, url_prefix="/v1/store", tag="Store: orders")


def _lots(draws: tuple[Draw, ...]) -> list[dict[str, Any]]:
    return [{"lot_id": draw.lot_id, "amount_fen": draw.amount_fen} for draw in draws]


def _quote_reply(priced: rules.Quote) -> dict[str, Any]:
    lines = [
        {
            "sku_id": line.offer.sku_id,
            "product_id": line.offer.product_id,
            "supplier_id": line.offer.supplier_id,
            "supplier_name": line.offer.supplier_name,
            "title": line.offer.title,
            "options": list(line.offer.options),
            "quantity": line.quantity,
            "delivery_mode": line.delivery_mode,
            "price_fen": line.offer.price_fen,
            "amount_fen": line.amount_fen,
            "beans_fen": line.beans_fen,
            "wechat_fen": line.amount_fen - line.beans_fen,
            "lots": _lots(line.draws),
        }
        for line in priced.lines
    ]
    freight = [
        {
            "supplier_id": line.supplier_id,
            "fee_fen": line.fee_fen,
            "beans_fen": line.beans_fen,
            "wechat_fen": line.fee_fen - line.beans_fen,
            "lots": _lots(line.draws),
        }
        for line in priced.freight
    ]
    sums = ("goods_fen", "freight_fen", "total_fen", "beans_fen", "wechat_fen")
    totals = {name: getattr(priced, name) for name in sums}
    return {"lines": lines, "freight": freight, **totals}


@bp.post("/checkout/quote")
@bp.input(QuoteBody)
@bp.output(QuoteReply)
@bp.doc(
    summary="Show what an order would cost and which lots would pay which lines; keeps nothing",
    responses={409: "Some lines cannot be sold", 422: "A region is not served, or bad input"},
)
def quote(json_data: rules.Checkout) -> dict[str, Any]:
    with reading() as session:
        return _quote_reply(service.quote(session, current_member_id(), json_data, clock.now()))


@bp.post("/orders")
@takes_key
@bp.input(PlaceOrderBody)
@bp.output(ReceiptReply, 201)
@bp.doc(
    summary="Place an order; needs an Idempotency-Key",
    description=(
        "From `lines`, or from the cart without them. What beans cover in full is paid at once; "
        "otherwise begin a payment before `pay_by`."
    ),
    responses={409: "Changed, sold out, or too few beans", 422: "Bad input"},
)
def place_order(json_data: rules.Checkout) -> Response:
    member_id = current_member_id()
    with reading() as session:
        wanted = service.wanted_lines(session, member_id, json_data)

    def work(uow: UnitOfWork, *found: Any) -> dict[str, Any]:
        known = service.QuoteInputs(wanted, *found)
        return vars(service.place_order(uow, member_id, json_data, known))

    ahead = service.reads(member_id, json_data, wanted, clock.now())
    return idempotently(work, ahead=ahead)


@bp.post("/orders/<uuid:order_id>/cancel")
@bp.output(CancelReply)
@bp.doc(
    summary="Cancel an order, paid or not, until a parcel of it leaves",
    description=(
        "Beans go back to their lots at once; what WeChat brought is sent back to the payer. An "
        "order that redeemed an entitlement is chosen anew instead."
    ),
    responses={
        409: "A parcel has left, or it redeemed an entitlement",
        503: "WeChat does not answer",
    },
)
def cancel_order(order_id: UUID) -> dict[str, str]:
    process.cancel_for_member(order_id, current_member_id(), current().name)
    return {"state": order_rules.CANCELLED}
