"""A supplier sets and adjusts its stock, and reads why it moved."""

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from flask import Response

from catalog.products.queries import products
from catalog.stock import queries, service
from catalog.stock.schemas import (
    AdjustBody,
    LowStockPage,
    MovementPage,
    StockBody,
    StockReply,
)
from mall.access.guard import current_scope_id, open_to_all
from mall.access.rules import SUPPLIER
from mall.kernel.uow import UnitOfWork, reading, unit_of_work
from mall.web.fields import PageQuery, page
from mall.web.replies import idempotently, takes_key

bp = APIBlueprint("supplier_stock", __name__, url_prefix="/v1/supplier/skus", tag="Supplier")


def _reply(sku_id: UUID) -> dict[str, Any]:
    with reading() as session:
        on_hand, reserved = queries.levels(session, [sku_id]).get(sku_id, (0, 0))
    return _as_reply(sku_id, on_hand, reserved)


def _as_reply(sku_id: UUID, on_hand: int, reserved: int) -> dict[str, Any]:
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
@open_to_all(SUPPLIER)
@bp.input(StockBody)
@bp.output(StockReply)
@bp.doc(summary="Set how many are on hand, with a reason; never below what is reserved")
def set_stock(sku_id: UUID, json_data: dict[str, Any]) -> dict[str, Any]:
    with unit_of_work() as uow:
        products.sku_of_supplier(uow.session, current_scope_id(), sku_id)
        service.set_on_hand(uow, sku_id, json_data["on_hand"], "stocktake", json_data["reason"])
    return _reply(sku_id)


@bp.post("/<uuid:sku_id>/stock/adjustments")
@open_to_all(SUPPLIER)
@takes_key
@bp.input(AdjustBody)
@bp.output(StockReply, 201)
@bp.doc(summary="Add units or take them away, with a cause and a reason; needs an Idempotency-Key")
def adjust_stock(sku_id: UUID, json_data: dict[str, Any]) -> Response:
    def work(uow: UnitOfWork) -> dict[str, Any]:
        products.sku_of_supplier(uow.session, current_scope_id(), sku_id)
        service.adjust(uow, sku_id, json_data["change"], json_data["cause"], json_data["reason"])
        on_hand, reserved = queries.levels(uow.session, [sku_id])[sku_id]
        return _as_reply(sku_id, on_hand, reserved)

    return idempotently(work)


@bp.get("/<uuid:sku_id>/stock/movements")
@bp.input(PageQuery, location="query")
@bp.output(MovementPage)
@bp.doc(summary="List every change of a SKU's stock with its cause, newest first")
def list_movements(sku_id: UUID, query_data: dict[str, Any]) -> dict[str, Any]:
    names = ("id", "quantity", "cause", "reference", "moved_at")
    with reading() as session:
        products.sku_of_supplier(session, current_scope_id(), sku_id)
        found = queries.movements(session, sku_id, query_data["cursor"], query_data["limit"])
        items = [{name: getattr(row, name) for name in names} for row in found]
    return page(items, query_data["limit"])


@bp.get("/low-stock")
@bp.input(PageQuery, location="query")
@bp.output(LowStockPage)
@bp.doc(summary="List published SKUs of which no more is left than their `low_stock_at`")
def list_low_stock(query_data: dict[str, Any]) -> dict[str, Any]:
    with reading() as session:
        found = queries.low_stock(
            session, current_scope_id(), query_data["cursor"], query_data["limit"]
        )
    return page([{**vars(each), "id": each.sku_id} for each in found], query_data["limit"])
