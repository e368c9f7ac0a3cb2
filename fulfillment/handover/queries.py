"""Read what is on its way for a programme."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, distinct, func, select
from sqlalchemy.orm import Session

from fulfillment.after_sales.models import AfterSalesCase
from fulfillment.dispatch import rules as dispatch_rules
from fulfillment.dispatch.models import FulfillmentLine, FulfillmentOrder
from fulfillment.handover import rules
from fulfillment.handover.models import HandOut, LoadReceiptLine
from fulfillment.handover.rules import FulfillmentCount
from fulfillment.shipments.models import Shipment, ShipmentLine
from mall.kernel.errors import NotFound
from orders.entitlements import queries as entitlement_queries
from orders.order import queries as order_queries

MAX_PARTS = 500
MISSING = "missing"


def fulfillment_counts(session: Session, programme_id: UUID) -> list[FulfillmentCount]:
    """Return how many fulfillment orders of a programme's paid orders are in which state."""
    rows = session.execute(
        select(FulfillmentOrder.delivery_mode, FulfillmentOrder.state, func.count())
        .where(FulfillmentOrder.order_id.in_(order_queries.paid_of_programme(programme_id)))
        .group_by(FulfillmentOrder.delivery_mode, FulfillmentOrder.state)
        .order_by(FulfillmentOrder.delivery_mode, FulfillmentOrder.state)
    )
    return [FulfillmentCount(*row) for row in rows]


def count_unsplit(session: Session, programme_id: UUID) -> int:
    """Return how many paid orders of a programme have no fulfillment orders yet."""
    paid = order_queries.paid_of_programme(programme_id).subquery()
    split = (
        select(func.count(distinct(FulfillmentOrder.order_id)))
        .where(FulfillmentOrder.order_id.in_(order_queries.paid_of_programme(programme_id)))
        .scalar_subquery()
    )
    return int(session.scalar(select(func.count() - split).select_from(paid)) or 0)


def unit_fulfillment_orders(session: Session, programme_id: UUID) -> list[FulfillmentOrder]:
    """Return what goes to the unit, oldest first; a programme has few such orders."""
    return list(
        session.scalars(
            select(FulfillmentOrder)
            .where(
                FulfillmentOrder.order_id.in_(order_queries.paid_of_programme(programme_id)),
                FulfillmentOrder.delivery_mode == dispatch_rules.UNIT,
            )
            .order_by(FulfillmentOrder.id)
            .limit(MAX_PARTS)
        )
    )


def loads(session: Session, programme_id: UUID) -> list[tuple[Shipment, FulfillmentOrder]]:
    """Return the parcels that go to the unit, oldest first; a programme has few."""
    query = (
        select(Shipment, FulfillmentOrder)
        .join(FulfillmentOrder, FulfillmentOrder.id == Shipment.fulfillment_order_id)
        .where(
            FulfillmentOrder.order_id.in_(order_queries.paid_of_programme(programme_id)),
            FulfillmentOrder.delivery_mode == dispatch_rules.UNIT,
        )
        .order_by(Shipment.id)
        .limit(MAX_PARTS)
    )
    return [(row[0], row[1]) for row in session.execute(query)]


def load(session: Session, programme_id: UUID, shipment_id: UUID) -> Shipment:
    """Return a parcel that goes to the unit of a programme; raises NotFound if it is someone else's."""
    query = (
        select(Shipment)
        .join(FulfillmentOrder, FulfillmentOrder.id == Shipment.fulfillment_order_id)
        .where(
            Shipment.id == shipment_id,
            FulfillmentOrder.order_id.in_(order_queries.paid_of_programme(programme_id)),
            FulfillmentOrder.delivery_mode == dispatch_rules.UNIT,
        )
    )
    found = session.scalars(query).first()
    if found is None:
        raise NotFound("load", field="shipment_id")
    return found


def quantities_sent(session: Session, shipment_id: UUID) -> dict[UUID, int]:
    """Return how many of each line are in a parcel."""
    query = select(ShipmentLine).where(ShipmentLine.shipment_id == shipment_id)
    rows = session.scalars(query.order_by(ShipmentLine.fulfillment_line_id))
    return {row.fulfillment_line_id: row.quantity for row in rows}


def quantities_counted(session: Session, shipment_id: UUID) -> dict[UUID, LoadReceiptLine]:
    """Return what was counted of each line of a parcel."""
    query = select(LoadReceiptLine).where(LoadReceiptLine.shipment_id == shipment_id)
    return {row.fulfillment_line_id: row for row in session.scalars(query)}


def counted_of(session: Session, line_ids: Sequence[UUID]) -> dict[UUID, tuple[int, int]]:
    """Return how many of each line came whole and broken, over all receipts."""
    query = (
        select(
            LoadReceiptLine.fulfillment_line_id,
            func.sum(LoadReceiptLine.received),
            func.sum(LoadReceiptLine.damaged),
        )
        .where(LoadReceiptLine.fulfillment_line_id.in_(line_ids))
        .group_by(LoadReceiptLine.fulfillment_line_id)
    )
    return {row[0]: (int(row[1]), int(row[2])) for row in session.execute(query)}


def titles_of(session: Session, fulfillment_order_id: UUID) -> dict[UUID, str]:
    """Return what the lines of a fulfillment order are called."""
    query = select(FulfillmentLine.id, FulfillmentLine.title).where(
        FulfillmentLine.fulfillment_order_id == fulfillment_order_id
    )
    return {row.id: row.title for row in session.execute(query)}


def claims_of(session: Session, programme_id: UUID) -> list[AfterSalesCase]:
    """Return what was claimed of the unit's orders, oldest first."""
    query = (
        select(AfterSalesCase)
        .join(FulfillmentOrder, FulfillmentOrder.id == AfterSalesCase.fulfillment_order_id)
        .where(
            AfterSalesCase.order_id.in_(order_queries.paid_of_programme(programme_id)),
            FulfillmentOrder.delivery_mode == dispatch_rules.UNIT,
        )
    )
    return list(session.scalars(query.order_by(AfterSalesCase.id).limit(MAX_PARTS)))


def check_claim(session: Session, programme_id: UUID, case_id: UUID) -> None:
    """Raise NotFound for a case that is none of this programme's."""
    if case_id not in {claim.id for claim in claims_of(session, programme_id)}:
        raise NotFound("claim")


def narrowed_to(state: str | None) -> list[ColumnElement[bool]]:
    """Return the conditions for who has a share at the unit; `missing`: nothing was recorded."""
    found = [entitlement_queries.has_share()]
    recorded = select(HandOut.entitlement_id)
    if state == MISSING:
        found.append(entitlement_queries.is_not_among(recorded))
    elif state is not None:
        found.append(entitlement_queries.is_among(recorded.where(HandOut.state == state)))
    return found


def hand_out_counts(session: Session, programme_id: UUID) -> dict[str, int]:
    """Return how many shares were handed out, kept and forwarded."""
    query = (
        select(HandOut.state, func.count())
        .where(HandOut.programme_id == programme_id)
        .group_by(HandOut.state)
    )
    found = dict.fromkeys(rules.HAND_OUTS.states, 0)
    for state, count in session.execute(query):
        found[state] = int(count)
    return found


def hand_outs_of(session: Session, entitlement_ids: Sequence[UUID]) -> dict[UUID, HandOut]:
    """Return what was recorded of these people."""
    query = select(HandOut).where(HandOut.entitlement_id.in_(entitlement_ids))
    return {row.entitlement_id: row for row in session.scalars(query)}
