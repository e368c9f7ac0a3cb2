"""A member shows vouchers at the counter."""

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from flask import Response
from sqlalchemy.orm import Session

from fulfillment.dispatch import queries as dispatch_queries
from fulfillment.stores import queries as store_queries
from fulfillment.vouchers import papers, queries, rules
from fulfillment.vouchers.models import PickupVoucher
from fulfillment.vouchers.schemas import PickupVoucherList
from mall.access.guard import current_member_id
from mall.kernel.clock import now
from mall.kernel.errors import NotFound
from mall.kernel.settings import current_settings
from mall.kernel.uow import reading
from mall.web.files import gives_file
from orders.order import queries as order_queries

bp = APIBlueprint("vouchers", __name__, url_prefix="/v1/store/orders", tag="Store: collection")
STANDS = ("paid", "completed")


def _is_good(voucher: PickupVoucher, order_state: str) -> bool:
    return voucher.state == rules.VALID and order_state in STANDS and voucher.expires_at > now()


def _places(session: Session, order_id: UUID) -> dict[UUID, dict[str, Any]]:
    found = store_queries.choices_of(session, order_id)
    return {
        choice.supplier_id: {
            "store": store,
            "slot_starts": choice.slot_starts,
            "slot_ends": choice.slot_ends,
        }
        for choice, store in found
    }


@bp.get("/<uuid:order_id>/vouchers")
@bp.output(PickupVoucherList)
@bp.doc(summary="List the vouchers of one's own order, with the codes that are still good")
def list_vouchers(order_id: UUID) -> dict[str, Any]:
    secret = current_settings().secret_key
    with reading() as session:
        order = order_queries.order_of_member(session, order_id, current_member_id())
        parts = [part.id for part in dispatch_queries.of_order(session, order.id)]
        lines = dispatch_queries.lines_of(session, parts)
        titles = {line.id: line.title for each in lines.values() for line in each}
        places = _places(session, order_id)
        items = []
        for voucher in queries.of_parts(session, parts):
            is_good = _is_good(voucher, order.state)
            short = rules.short_of(voucher.id, secret) if voucher.short_hash else None
            items.append(
                {
                    "id": voucher.id,
                    "fulfillment_order_id": voucher.fulfillment_order_id,
                    "title": titles[voucher.fulfillment_line_id],
                    "code": rules.shown(rules.code_of(voucher.id, secret)) if is_good else None,
                    "short_code": rules.shown_short(short) if short and is_good else None,
                    "state": voucher.state,
                    "expires_at": voucher.expires_at,
                    "redeemed_at": voucher.redeemed_at,
                    "pickup": places.get(voucher.supplier_id),
                }
            )
    return {"items": items}


@bp.get("/<uuid:order_id>/vouchers/<uuid:voucher_id>/qr.<kind>")
@gives_file(papers.PNG, papers.SVG)
@bp.doc(
    summary="The QR code of a voucher that is still good, as png or svg",
    responses={404: "No such voucher, or it is used, revoked or expired"},
)
def show_qr(order_id: UUID, voucher_id: UUID, kind: str) -> Response:
    if kind not in papers.KINDS:
        raise NotFound("picture", field="kind")
    with reading() as session:
        order = order_queries.order_of_member(session, order_id, current_member_id())
        parts = [part.id for part in dispatch_queries.of_order(session, order.id)]
        found = [each for each in queries.of_parts(session, parts) if each.id == voucher_id]
        if not found or not _is_good(found[0], order.state):
            raise NotFound("voucher")
    code = rules.shown(rules.code_of(voucher_id, current_settings().secret_key))
    reply = Response(papers.qr(code, kind), content_type=papers.KINDS[kind])
    # A picture of money: no proxy and no gallery keeps it.
    reply.headers["Cache-Control"] = "private, no-store"
    return reply
