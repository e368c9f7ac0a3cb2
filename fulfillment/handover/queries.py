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
from fulfillment.handover.rules import Parts
from fulfillment.shipments.models import Shipment, ShipmentLine
from mall.kernel.errors import NotFound
from mall.kernel.invariants import Invariant
from orders.entitlements import queries as entitlement_queries
from orders.order import queries as order_queries

MAX_PARTS = 500
MISSING = "missing"


def parts_of(session: Session, programme_id: UUID) -> list[Parts]:
    """Return how many parts of a programme's paid orders are in which state."""
    rows = session.execute(
        select(FulfillmentOrder.delivery_mode, FulfillmentOrder.state, func.count())
        .where(FulfillmentOrder.order_id.in_(order_queries.paid_of_programme(programme_id)))
        .group_by(FulfillmentOrder.delivery_mode, FulfillmentOrder.state)
        .order_by(FulfillmentOrder.delivery_mode, FulfillmentOrder.state)
    )
    return [Parts(*row) for row in rows]


def count_unsplit(session: Session, programme_id: UUID) -> int:
    """Return how many paid orders of a programme have no parts yet."""
    paid = order_queries.paid_of_programme(programme_id).subquery()
    split = (
        select(func.count(distinct(FulfillmentOrder.order_id)))
        .where(FulfillmentOrder.order_id.in_(order_queries.paid_of_programme(programme_id)))
        .scalar_subquery()
    )
    return int(session.scalar(select(func.count() - split).select_from(paid)) or 0)


def unit_parts(session: Session, programme_id: UUID) -> list[FulfillmentOrder]:
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


def sent_in(session: Session, shipment_id: UUID) -> dict[UUID, int]:
    """Return how many of each line are in a parcel."""
    query = select(ShipmentLine).where(ShipmentLine.shipment_id == shipment_id)
    rows = session.scalars(query.order_by(ShipmentLine.fulfillment_line_id))
    return {row.fulfillment_line_id: row.quantity for row in rows}


def counted_in(session: Session, shipment_id: UUID) -> dict[UUID, LoadReceiptLine]:
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
    """Return what the lines of a part are called."""
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


INVARIANTS = [
    Invariant(
        "accepted_means_arrived",
        "of an accepted programme every part was delivered and every right has its end",
        """
        SELECT p.number, f.number AS about, f.state
        FROM programme p
        JOIN order_programme c ON c.programme_id = p.id
        JOIN shop_order o ON o.id = c.order_id AND o.state IN ('paid', 'completed')
        JOIN fulfillment_order f ON f.order_id = o.id
        WHERE p.state IN ('accepted', 'archived') AND f.state NOT IN ('delivered', 'cancelled')
        UNION ALL
        SELECT p.number, t.name, t.state
        FROM programme p JOIN entitlement t ON t.programme_id = p.id
        WHERE p.state IN ('accepted', 'archived') AND t.state IN ('listed', 'waiting', 'open')
        """,
    ),
    Invariant(
        "archived_is_empty",
        "an archived programme has nothing on its lots, and in its fund only what came back since",
        """
        SELECT p.number, f.balance_fen FROM programme p JOIN ledger_fund f ON f.id = p.id
        WHERE p.state = 'archived' AND f.balance_fen > coalesce(
            (SELECT sum(returned_fen) FROM order_programme WHERE programme_id = p.id), 0)
        UNION ALL
        SELECT p.number, l.balance_fen FROM programme p JOIN bean_lot l ON l.programme_id = p.id
        WHERE p.state = 'archived' AND l.balance_fen <> 0
        """,
    ),
    Invariant(
        "receipts_within_parcels",
        "a receipt counts what its parcel held, and what was short or broken was claimed",
        """
        SELECT r.shipment_id, r.fulfillment_line_id, r.sent, s.quantity
        FROM load_receipt_line r
        LEFT JOIN shipment_line s ON s.shipment_id = r.shipment_id
          AND s.fulfillment_line_id = r.fulfillment_line_id
        WHERE s.quantity IS DISTINCT FROM r.sent
        UNION ALL
        SELECT f.id, f.order_line_id, sum(r.sent - r.received), c.claimed
        FROM load_receipt_line r
        JOIN fulfillment_line f ON f.id = r.fulfillment_line_id AND NOT f.is_replacement
        CROSS JOIN LATERAL (SELECT coalesce(sum(quantity), 0) AS claimed FROM after_sales_case
                            WHERE order_line_id = f.order_line_id AND NOT needs_return) c
        GROUP BY f.id, f.order_line_id, c.claimed HAVING sum(r.sent - r.received) > c.claimed
        """,
    ),
    Invariant(
        "hand_outs_have_shares",
        "what was recorded at a unit is the share of somebody who has one",
        """
        SELECT h.entitlement_id, h.state, t.state AS right_state FROM hand_out h
        LEFT JOIN entitlement t ON t.id = h.entitlement_id AND t.programme_id = h.programme_id
        WHERE t.id IS NULL OR t.order_id IS NULL
        """,
    ),
]
