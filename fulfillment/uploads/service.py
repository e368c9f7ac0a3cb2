"""Send what a sheet of tracking numbers says has left, and make such a sheet."""

from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from fulfillment.dispatch import queries as dispatch_queries
from fulfillment.dispatch.models import FulfillmentLine, FulfillmentOrder
from fulfillment.dispatch.rules import DispatchItem
from fulfillment.shipments import rules as shipment_rules
from fulfillment.shipments import service as shipment_service
from fulfillment.uploads import rules
from fulfillment.uploads.rules import ParcelRow
from mall.kernel.errors import Invalid, NotFound
from mall.kernel.uow import UnitOfWork
from mall.members.rules import mask_name


def send(uow: UnitOfWork, supplier_id: UUID, wanted: ParcelRow, actor: str) -> bool:
    """Record the parcel of a row; False where it is recorded already, under the same number.

    So the same sheet sent again sends nothing twice. Raises what `shipment_service.dispatch` raises,
    NotFound for another's number, and Invalid for a quantity of a fulfillment order of several lines.
    """
    fulfillment_order = dispatch_queries.find_number(uow.session, wanted.number, supplier_id)
    if fulfillment_order is None:
        raise NotFound("fulfillment order")
    number = shipment_rules.clean_number(wanted.carrier, wanted.tracking_no)
    if (
        shipment_service.find_parcel(uow.session, fulfillment_order.id, wanted.carrier, number)
        is not None
    ):
        return False
    items = None
    if wanted.quantity is not None:
        lines = dispatch_queries.lines_of(uow.session, [fulfillment_order.id])[fulfillment_order.id]
        if len(lines) != 1:
            raise Invalid("quantity", "several_goods_by_sheet")
        items = (DispatchItem(lines[0].id, wanted.quantity),)
    parcel = shipment_service.NewShipment(wanted.carrier, number, items, actor)
    shipment_service.dispatch(uow, fulfillment_order.id, parcel)
    return True


def open_rows(session: Session, supplier_id: UUID) -> list[list[Any]]:
    """Return a row for each fulfillment order that waits to be sent, oldest first, to be filled in."""
    fulfillment_orders = dispatch_queries.waiting_to_leave(session, supplier_id, rules.MAX_OPEN)
    lines = dispatch_queries.lines_of(session, [each.id for each in fulfillment_orders])
    return [
        _row(fulfillment_order, lines[fulfillment_order.id])
        for fulfillment_order in fulfillment_orders
    ]


def _row(fulfillment_order: FulfillmentOrder, lines: list[FulfillmentLine]) -> list[Any]:
    goods = "；".join(f"{line.title} ×{line.to_dispatch}" for line in lines if line.to_dispatch)
    address = fulfillment_order.address or {}
    return [
        fulfillment_order.number,
        "",
        "",
        "",
        goods[:200],
        sum(line.to_dispatch for line in lines),
        mask_name(address.get("recipient")) or "",
        address.get("region", ""),
    ]
