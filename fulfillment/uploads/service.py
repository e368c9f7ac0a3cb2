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
from fulfillment.uploads.rules import Wanted
from mall.kernel.errors import Invalid, NotFound
from mall.kernel.uow import UnitOfWork
from mall.members.rules import mask_name


def send(uow: UnitOfWork, supplier_id: UUID, wanted: Wanted, actor: str) -> bool:
    """Record the parcel of a row; False where it is recorded already, under the same number.

    So the same sheet sent again sends nothing twice. Raises what `shipment_service.dispatch` raises,
    NotFound for another's number, and Invalid for a quantity of a part of several lines.
    """
    part = dispatch_queries.find_number(uow.session, wanted.number, supplier_id)
    if part is None:
        raise NotFound("fulfillment order")
    number = shipment_rules.clean_number(wanted.carrier, wanted.tracking_no)
    if shipment_service.find_parcel(uow.session, part.id, wanted.carrier, number) is not None:
        return False
    items = None
    if wanted.quantity is not None:
        lines = dispatch_queries.lines_of(uow.session, [part.id])[part.id]
        if len(lines) != 1:
            raise Invalid("quantity", "several_goods_by_sheet")
        items = (DispatchItem(lines[0].id, wanted.quantity),)
    parcel = shipment_service.Parcel(wanted.carrier, number, items, actor)
    shipment_service.dispatch(uow, part.id, parcel)
    return True


def open_rows(session: Session, supplier_id: UUID) -> list[list[Any]]:
    """Return a row for each fulfillment order that waits to be sent, oldest first, to be filled in."""
    parts = dispatch_queries.waiting_to_leave(session, supplier_id, rules.MAX_OPEN)
    lines = dispatch_queries.lines_of(session, [part.id for part in parts])
    return [_row(part, lines[part.id]) for part in parts]


def _row(part: FulfillmentOrder, lines: list[FulfillmentLine]) -> list[Any]:
    goods = "；".join(f"{line.title} ×{line.to_dispatch}" for line in lines if line.to_dispatch)
    address = part.address or {}
    return [
        part.number,
        "",
        "",
        "",
        goods[:200],
        sum(line.to_dispatch for line in lines),
        mask_name(address.get("recipient")) or "",
        address.get("region", ""),
    ]
