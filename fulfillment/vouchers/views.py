"""A member shows vouchers at the counter."""

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint

from fulfillment.dispatch import queries as dispatch
from fulfillment.vouchers import queries, rules
from fulfillment.vouchers.schemas import PickupVoucherList
from mall.access.guard import current_member_id
from mall.kernel.settings import current_settings
from mall.kernel.uow import reading
from orders.order import queries as orders

bp = APIBlueprint("vouchers", __name__, url_prefix="/v1/store/orders", tag="Store: orders")


@bp.get("/<uuid:order_id>/vouchers")
@bp.output(PickupVoucherList)
@bp.doc(summary="List the vouchers of one's own order, with the codes that are still good")
def list_vouchers(order_id: UUID) -> dict[str, Any]:
    secret = current_settings().secret_key
    with reading() as session:
        order = orders.get_order(session, order_id, current_member_id())
        parts = [part.id for part in dispatch.of_order(session, order.id)]
        lines = dispatch.lines_of(session, parts)
        titles = {line.id: line.title for each in lines.values() for line in each}
        is_good = order.state in ("paid", "completed")
        return {
            "items": [
                {
                    "id": voucher.id,
                    "fulfillment_order_id": voucher.fulfillment_order_id,
                    "title": titles[voucher.fulfillment_line_id],
                    "code": rules.shown(rules.code_of(voucher.id, secret))
                    if voucher.state == rules.VALID and is_good
                    else None,
                    "state": voucher.state,
                    "redeemed_at": voucher.redeemed_at,
                }
                for voucher in queries.of_parts(session, parts)
            ]
        }
