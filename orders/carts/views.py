"""A member's cart."""

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint

from mall.access.guard import current_member_id
from mall.kernel.uow import reading, unit_of_work
from orders.carts import rules, service
from orders.carts.schemas import CartLineBody, CartReply

bp = APIBlueprint("cart", __name__, url_prefix="/v1/store/cart", tag="Store: cart")


def _read() -> dict[str, Any]:
    with reading() as session:
        items = service.read_cart(session, current_member_id())
    goods = sum(
        item["price_fen"] * item["quantity"]
        for item in items
        if rules.NOT_FOR_SALE not in item["changes"]
    )
    return {"items": items, "goods_fen": goods}


@bp.get("")
@bp.output(CartReply)
@bp.doc(summary="Read the cart; each line says what changed since it was added")
def read_cart() -> dict[str, Any]:
    return _read()


@bp.put("/<uuid:sku_id>")
@bp.input(CartLineBody)
@bp.output(CartReply)
@bp.doc(summary="Set how many of a SKU the cart holds (100 lines at most)")
def put_line(sku_id: UUID, json_data: dict[str, Any]) -> dict[str, Any]:
    with unit_of_work() as uow:
        service.put_line(
            uow, current_member_id(), sku_id, json_data["quantity"], json_data["delivery_mode"]
        )
    return _read()


@bp.delete("/<uuid:sku_id>")
@bp.output(CartReply)
@bp.doc(summary="Take a SKU out of the cart")
def remove_line(sku_id: UUID) -> dict[str, Any]:
    with unit_of_work() as uow:
        service.remove_lines(uow, current_member_id(), [sku_id])
    return _read()
