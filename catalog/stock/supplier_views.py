"""A supplier sets its stock."""

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint

from catalog.products import queries as products
from catalog.stock import queries, service
from catalog.stock.schemas import StockBody, StockReply
from mall.access.guard import current_scope_id
from mall.kernel.uow import reading, unit_of_work

bp = APIBlueprint("supplier_stock", __name__, url_prefix="/v1/supplier/skus", tag="Supplier")


def _reply(sku_id: UUID) -> dict[str, Any]:
    with reading() as session:
        on_hand, reserved = queries.levels(session, [sku_id]).get(sku_id, (0, 0))
    return {
        "sku_id": sku_id,
        "on_hand": on_hand,
        "reserved": reserved,
        "available": on_hand - reserved,
    }


@bp.get("/<uuid:sku_id>/stock")
@bp.output(StockReply)
@bp.doc(summary="Read the stock of one's own SKU")
def read_stock(sku_id: UUID) -> dict[str, Any]:
    with reading() as session:
        products.sku_of_supplier(session, current_scope_id(), sku_id)
    return _reply(sku_id)


@bp.put("/<uuid:sku_id>/stock")
@bp.input(StockBody)
@bp.output(StockReply)
@bp.doc(summary="Set how many are on hand, with a reason; never below what is reserved")
def set_stock(sku_id: UUID, json_data: dict[str, Any]) -> dict[str, Any]:
    with unit_of_work() as uow:
        products.sku_of_supplier(uow.session, current_scope_id(), sku_id)
        service.set_on_hand(uow, sku_id, json_data["on_hand"], "stocktake", json_data["reason"])
    return _reply(sku_id)
