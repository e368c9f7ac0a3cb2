"""Dispatch parcels, wholly or in parts."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from fulfillment.dispatch import queries as dispatch_queries
from fulfillment.dispatch import rules as dispatch_rules
from fulfillment.dispatch import service as dispatch_service
from fulfillment.dispatch.models import FulfillmentLine, FulfillmentOrder
from fulfillment.dispatch.rules import DispatchItem
from fulfillment.messages import ParcelSent
from fulfillment.shipments import rules
from fulfillment.shipments.models import Shipment, ShipmentLine
from mall.kernel.errors import NotFound
from mall.kernel.ids import new_id
from mall.kernel.uow import UnitOfWork
from orders.order import service as order_service


@dataclass(frozen=True)
class Parcel:
    """A parcel to be recorded; without items, everything that is left goes into it."""

    carrier: str
    tracking_no: str | None
    items: tuple[DispatchItem, ...] | None
    dispatched_by: str
    # Whether the supplier says that goods of several recipients travel in it.
    is_shared: bool = False


def dispatch(uow: UnitOfWork, fulfillment_order_id: UUID, parcel: Parcel) -> UUID:
    """Record a parcel; return its id.

    Raises WrongState when all is dispatched already, TooManyDispatched beyond what is left,
    CollectedByVoucher for what is collected, and NumberUsed for the number of a parcel that went to
    somebody else, unless it is said to be shared.
    The order is locked first: a change of choice comes before the parcel or not at all. Once all
    of it is on its way, the member has the configured time to confirm.
    """
    number = rules.clean_number(parcel.carrier, parcel.tracking_no)
    order_id = dispatch_queries.order_of(uow.session, fulfillment_order_id)
    order_service.begin_dispatch(uow, order_id)
    order = dispatch_service.lock(uow, fulfillment_order_id)
    if order.delivery_mode == dispatch_rules.PICKUP:
        raise dispatch_rules.CollectedByVoucher()
    dispatch_rules.STATES.check(order.state, dispatch_rules.DISPATCHED)
    if not parcel.is_shared:
        _check_number(uow, order, parcel.carrier, number)
    lines = dispatch_queries.lines_of(uow.session, [fulfillment_order_id])[fulfillment_order_id]
    items = parcel.items or tuple(
        DispatchItem(line.id, line.to_dispatch) for line in lines if line.to_dispatch
    )
    if not items:
        raise dispatch_rules.TooManyDispatched("items", left=0)
    shipment = Shipment(
        id=new_id(),
        fulfillment_order_id=fulfillment_order_id,
        carrier=parcel.carrier,
        tracking_no=number,
        dispatched_by=parcel.dispatched_by,
        dispatched_at=uow.now,
    )
    uow.session.add(shipment)
    uow.session.flush()
    uow.session.add_all(_take(shipment.id, lines, items))
    if all(line.is_done for line in lines):
        dispatch_service.become_dispatched(uow, order)
    else:
        order.state = dispatch_rules.PARTLY
    uow.emit(ParcelSent(str(shipment.id)))
    return shipment.id


def _check_number(
    uow: UnitOfWork, part: FulfillmentOrder, carrier: str, tracking_no: str | None
) -> None:
    """Refuse a number under which goods went to another member, or to another address of theirs."""
    if tracking_no is None:
        return
    # Two rows with one number at once are looked at one after the other.
    uow.session.execute(
        select(
            func.pg_advisory_xact_lock(func.hashtextextended(f"parcel:{carrier}:{tracking_no}", 0))
        )
    )
    query = (
        select(FulfillmentOrder.number)
        .join(Shipment, Shipment.fulfillment_order_id == FulfillmentOrder.id)
        .where(
            Shipment.tracking_no == tracking_no,
            Shipment.carrier == carrier,
            Shipment.dispatched_at > uow.now - rules.NUMBER_LIVES,
            or_(
                FulfillmentOrder.member_id != part.member_id,
                FulfillmentOrder.address.is_distinct_from(part.address),
            ),
        )
    )
    # Of several the one that had it first.
    other = uow.session.scalars(query.order_by(FulfillmentOrder.id).limit(1)).first()
    if other is not None:
        raise rules.NumberUsed("tracking_no", number=other)


def lock_part(uow: UnitOfWork, shipment: Shipment) -> FulfillmentOrder:
    """Lock the order and the part that a parcel is of, and read the parcel as it is now."""
    part = dispatch_service.lock_with_order(uow, shipment.fulfillment_order_id)
    uow.session.refresh(shipment)
    return part


def arrive(uow: UnitOfWork, part: FulfillmentOrder, shipment: Shipment, by: str) -> None:
    """Close a parcel of a locked part that arrived; the last one of what was sent home delivers it.

    What goes to a union is accepted by the union. Doing it again changes nothing.
    """
    if shipment.delivered_at is not None:
        return
    shipment.delivered_at = uow.now
    uow.session.flush()
    if part.state != dispatch_rules.DISPATCHED or part.delivery_mode != dispatch_rules.SHIP:
        return
    if all(each.delivered_at for each in shipments_of(uow.session, [part.id])):
        dispatch_service.deliver(uow, part.id, by)


def correct(
    uow: UnitOfWork, shipment_id: UUID, carrier: str, tracking_no: str | None, by: str
) -> Shipment:
    """Correct a parcel's carrier and number until it is delivered; what stood there is kept.

    Correcting it to the same changes nothing. Raises ParcelDelivered, Invalid, NotThisNumber.
    """
    number = rules.clean_number(carrier, tracking_no)
    shipment = uow.session.get_one(Shipment, shipment_id)
    part = dispatch_service.lock(uow, shipment.fulfillment_order_id)
    uow.session.refresh(shipment)
    if (shipment.carrier, shipment.tracking_no) == (carrier, number):
        return shipment
    if part.state == dispatch_rules.DELIVERED or shipment.delivered_at is not None:
        raise rules.ParcelDelivered()
    _check_number(uow, part, carrier, number)
    before = {
        "carrier": shipment.carrier,
        "tracking_no": shipment.tracking_no,
        "until": uow.now.isoformat(),
        "by": by,
    }
    shipment.earlier = [*shipment.earlier, before]
    shipment.carrier, shipment.tracking_no = carrier, number
    uow.session.flush()
    uow.emit(ParcelSent(str(shipment_id)))
    return shipment


def get_shipment(session: Session, shipment_id: UUID) -> Shipment:
    """Return a parcel or raise NotFound."""
    found = session.get(Shipment, shipment_id)
    if found is None:
        raise NotFound("parcel")
    return found


def members_shipment(session: Session, shipment_id: UUID, member_id: UUID) -> Shipment:
    """Return a parcel of this member's order; raises NotFound if it is someone else's."""
    return _shipment_where(session, shipment_id, FulfillmentOrder.member_id == member_id)


def phone_end(session: Session, shipment_id: UUID) -> str:
    """Return the last four digits of the phone that a parcel goes to; empty where there is none."""
    shipment = get_shipment(session, shipment_id)
    part = dispatch_queries.any_fulfillment_order(session, shipment.fulfillment_order_id)
    return str((part.address or {}).get("phone", ""))[-4:]


def own_shipment(session: Session, shipment_id: UUID, supplier_id: UUID) -> Shipment:
    """Return a parcel of this supplier's; raises NotFound if it is someone else's."""
    return _shipment_where(session, shipment_id, FulfillmentOrder.supplier_id == supplier_id)


def _shipment_where(
    session: Session, shipment_id: UUID, condition: ColumnElement[bool]
) -> Shipment:
    query = (
        select(Shipment)
        .join(FulfillmentOrder, FulfillmentOrder.id == Shipment.fulfillment_order_id)
        .where(Shipment.id == shipment_id, condition)
    )
    found = session.scalars(query).first()
    if found is None:
        raise NotFound("parcel")
    return found


def _take(
    shipment_id: UUID, lines: Sequence[FulfillmentLine], items: Sequence[DispatchItem]
) -> list[ShipmentLine]:
    by_id = {line.id: line for line in lines}
    packed = []
    for index, item in enumerate(items):
        line = by_id.get(item.line_id)
        if line is None:
            raise NotFound("line", field=f"items.{index}.line_id")
        left = line.to_dispatch
        if item.quantity > left:
            raise dispatch_rules.TooManyDispatched(f"items.{index}.quantity", left=left)
        line.dispatched_quantity += item.quantity
        packed.append(
            ShipmentLine(
                shipment_id=shipment_id, fulfillment_line_id=line.id, quantity=item.quantity
            )
        )
    return packed


def find_parcel(
    session: Session, fulfillment_order_id: UUID, carrier: str, tracking_no: str | None
) -> Shipment | None:
    """Return the parcel of a fulfillment order that has this number."""
    query = select(Shipment).where(
        Shipment.fulfillment_order_id == fulfillment_order_id,
        Shipment.carrier == carrier,
        Shipment.tracking_no == tracking_no,
    )
    return session.scalars(query).first()


def shipments_of(session: Session, fulfillment_order_ids: Sequence[UUID]) -> list[Shipment]:
    """Return the parcels of fulfillment orders, oldest first."""
    return list(
        session.scalars(
            select(Shipment)
            .where(Shipment.fulfillment_order_id.in_(fulfillment_order_ids))
            .order_by(Shipment.id)
        )
    )
