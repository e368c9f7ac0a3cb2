"""Read what is on its way for a programme."""

from uuid import UUID

from sqlalchemy import distinct, func, select
from sqlalchemy.orm import Session

from fulfillment.dispatch import rules as dispatch
from fulfillment.dispatch.models import FulfillmentOrder
from fulfillment.handover.rules import Parts
from mall.kernel.audit import Invariant
from orders.order import queries as orders

MAX_PARTS = 500


def parts_of(session: Session, programme_id: UUID) -> list[Parts]:
    """Return how many parts of a programme's paid orders are in which state."""
    rows = session.execute(
        select(FulfillmentOrder.delivery_mode, FulfillmentOrder.state, func.count())
        .where(FulfillmentOrder.order_id.in_(orders.paid_of_programme(programme_id)))
        .group_by(FulfillmentOrder.delivery_mode, FulfillmentOrder.state)
        .order_by(FulfillmentOrder.delivery_mode, FulfillmentOrder.state)
    )
    return [Parts(*row) for row in rows]


def count_unsplit(session: Session, programme_id: UUID) -> int:
    """Return how many paid orders of a programme have no parts yet."""
    paid = orders.paid_of_programme(programme_id).subquery()
    split = (
        select(func.count(distinct(FulfillmentOrder.order_id)))
        .where(FulfillmentOrder.order_id.in_(orders.paid_of_programme(programme_id)))
        .scalar_subquery()
    )
    return int(session.scalar(select(func.count() - split).select_from(paid)) or 0)


def unit_parts(session: Session, programme_id: UUID) -> list[FulfillmentOrder]:
    """Return what goes to the unit, oldest first; a programme has few such orders."""
    return list(
        session.scalars(
            select(FulfillmentOrder)
            .where(
                FulfillmentOrder.order_id.in_(orders.paid_of_programme(programme_id)),
                FulfillmentOrder.delivery_mode == dispatch.UNIT,
            )
            .order_by(FulfillmentOrder.id)
            .limit(MAX_PARTS)
        )
    )


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
]
