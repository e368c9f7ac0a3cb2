"""A clerk hands out against vouchers."""

from typing import Any

from apiflask import APIBlueprint
from flask import Response

from fulfillment.dispatch import queries as dispatch
from fulfillment.vouchers import service
from fulfillment.vouchers.schemas import HandOutReply, RedeemCodeBody
from mall.access.guard import current, current_scope_id
from mall.kernel.uow import UnitOfWork
from mall.web.replies import idempotently, takes_key

bp = APIBlueprint("clerk_vouchers", __name__, url_prefix="/v1/pickup/vouchers", tag="Pickup")


@bp.post("/redeem")
@takes_key
@bp.input(RedeemCodeBody)
@bp.output(HandOutReply)
@bp.doc(
    summary="Redeem a voucher of one's own merchant; needs an Idempotency-Key",
    description="Repeated with its key, by a clerk whose network failed, it answers the same.",
    responses={404: "No such voucher here", 409: "Used, revoked, or a refund is asked for"},
)
def redeem(json_data: dict[str, str]) -> Response:
    supplier_id, actor = current_scope_id(), current().name

    def work(uow: UnitOfWork) -> dict[str, Any]:
        voucher = service.redeem(uow, supplier_id, json_data["code"], actor)
        found = dispatch.lines_of(uow.session, [voucher.fulfillment_order_id])
        [title] = [
            line.title
            for line in found[voucher.fulfillment_order_id]
            if line.id == voucher.fulfillment_line_id
        ]
        reply: dict[str, Any] = HandOutReply().dump(
            {
                "id": voucher.id,
                "title": title,
                "state": voucher.state,
                "redeemed_at": voucher.redeemed_at,
            }
        )
        return reply

    return idempotently(work, status=200)
