"""Read rights; and their invariants."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, func, select
from sqlalchemy.orm import Session

from mall.kernel.errors import NotFound
from mall.kernel.invariants import Invariant
from mall.ledger.service import wallet
from orders.entitlements import rules, statements
from orders.entitlements.models import Entitlement


def own_entitlement(session: Session, member_id: UUID, entitlement_id: UUID) -> Entitlement:
    """Return a member's own right; raises NotFound if it is someone else's."""
    found = session.get(Entitlement, entitlement_id)
    if found is None or found.member_id != member_id or found.state == rules.LISTED:
        raise NotFound("entitlement")
    return found


def of_member(
    session: Session, member_id: UUID, cursor: UUID | None, limit: int
) -> list[Entitlement]:
    """Return a member's rights, newest first, one more than `limit` if there are more."""
    query = select(Entitlement).where(
        Entitlement.member_id == member_id, Entitlement.state != rules.LISTED
    )
    if cursor is not None:
        query = query.where(Entitlement.id < cursor)
    return list(session.scalars(query.order_by(Entitlement.id.desc()).limit(limit + 1)))


def by_code(session: Session, code: str) -> Entitlement | None:
    """Return the right of a voucher code."""
    return session.scalars(select(Entitlement).where(Entitlement.code == code)).first()


def not_chosen() -> ColumnElement[bool]:
    """Return the condition that a right was issued, and nothing was done with it so far."""
    return and_(
        Entitlement.state.in_((rules.OPEN, rules.WAITING)),
        Entitlement.order_id.is_(None),
        wallet.untouched(Entitlement.lot_id),
    )


def count_not_chosen(session: Session, programme_id: UUID) -> int:
    """Return how many have not begun to use what they were given."""
    query = select(func.count()).where(Entitlement.programme_id == programme_id, not_chosen())
    return int(session.scalar(query) or 0)


def of_programme(
    session: Session,
    programme_id: UUID,
    after: int,
    limit: int,
    narrowed: Sequence[ColumnElement[bool]] = (),
) -> list[Entitlement]:
    """Return the rights of a programme in their order, one more than `limit` if there are more."""
    query = select(Entitlement).where(
        Entitlement.programme_id == programme_id, Entitlement.position > after, *narrowed
    )
    return list(session.scalars(query.order_by(Entitlement.position).limit(limit + 1)))


def slice_of(session: Session, programme_id: UUID, first: int, count: int) -> list[Entitlement]:
    """Return so many rights of a programme in their order, after the first so many."""
    query = select(Entitlement).where(Entitlement.programme_id == programme_id)
    return list(session.scalars(query.order_by(Entitlement.position).offset(first).limit(count)))


def in_state(state: str) -> ColumnElement[bool]:
    """Return the condition that a right is in this state."""
    return Entitlement.state == state


def has_share() -> ColumnElement[bool]:
    """Return the condition that something was ordered for a right and it was not taken away."""
    return Entitlement.order_id.is_not(None) & (Entitlement.state != rules.WITHDRAWN)


def is_among(ids: Select[UUID]) -> ColumnElement[bool]:
    """Return the condition that a right is one of these."""
    return Entitlement.id.in_(ids)


def is_not_among(ids: Select[UUID]) -> ColumnElement[bool]:
    """Return the condition that a right is none of these."""
    return Entitlement.id.not_in(ids)


def departments_of(session: Session, order_id: UUID) -> list[tuple[str, int]]:
    """Return for how many people of which department an order is."""
    query = (
        select(Entitlement.department, func.count())
        .where(Entitlement.order_id == order_id)
        .group_by(Entitlement.department)
        .order_by(Entitlement.department)
    )
    return [(row[0], int(row[1])) for row in session.execute(query)]


def get_of_programme(session: Session, programme_id: UUID, entitlement_id: UUID) -> Entitlement:
    """Return a right of this programme; raise NotFound."""
    found = session.get(Entitlement, entitlement_id)
    if found is None or found.programme_id != programme_id:
        raise NotFound("recipient", field="entitlement_id")
    return found


def figures(session: Session, programme_id: UUID) -> dict[str, int]:
    """Return how many rights of a programme are in each state, and what was issued, in fen."""
    row = session.execute(statements.FIGURES, {"programme_id": programme_id}).one()
    return {name: int(value) for name, value in row._mapping.items()}


def digest(session: Session, programme_id: UUID) -> str:
    """Return SHA-256 over the recipients of a programme in their order."""
    return str(session.scalar(statements.DIGEST, {"programme_id": programme_id}))


def is_listed(session: Session, programme_id: UUID, entry_id: UUID, member_id: UUID | None) -> bool:
    """Tell whether a programme has somebody already, by roster entry or as a member."""
    person = Entitlement.entry_id == entry_id
    if member_id is not None:
        same = (Entitlement.member_id == member_id) & (Entitlement.state != rules.WITHDRAWN)
        person = person | same
    query = select(Entitlement.id).where(Entitlement.programme_id == programme_id, person)
    return session.scalars(query.limit(1)).first() is not None


def last_position(session: Session, programme_id: UUID) -> int:
    """Return the position of the last recipient."""
    query = select(func.max(Entitlement.position)).where(Entitlement.programme_id == programme_id)
    return session.scalar(query) or 0


def last_issued(session: Session, programme_id: UUID, since: datetime) -> int:
    """Return the last position of a programme that was issued to since an instant; 0 for none."""
    query = select(func.max(Entitlement.position)).where(
        Entitlement.programme_id == programme_id, Entitlement.issued_at > since
    )
    return session.scalar(query) or 0


def waiting_for(session: Session, entry_ids: Sequence[UUID]) -> list[UUID]:
    """Return the rights of roster entries that were issued and wait for their member."""
    query = select(Entitlement.id).where(
        Entitlement.entry_id.in_(entry_ids), Entitlement.state == rules.WAITING
    )
    return list(session.scalars(query.order_by(Entitlement.id)))


INVARIANTS = [
    Invariant(
        "rights_have_lots",
        "every issued right has the lot of whom it belongs to, and what was granted is its amount",
        """
        SELECT t.id, t.state, t.amount_fen, l.granted_fen
        FROM entitlement t LEFT JOIN bean_lot l ON l.id = t.lot_id
        JOIN programme p ON p.id = t.programme_id
        WHERE t.state IN ('waiting', 'open', 'redeemed')
          AND NOT (p.delivery = 'unit_delivery' AND p.kind = 'fixed')
          AND (l.id IS NULL OR l.granted_fen <> t.amount_fen
               OR l.programme_id IS DISTINCT FROM t.programme_id
               OR l.member_id <> CASE WHEN t.state = 'waiting' THEN t.id
                                      ELSE coalesce(t.member_id, t.id) END)
        """,
    ),
    Invariant(
        "redeemed_once",
        "a redeemed right of one's own has one paid order of its programme, and an order one right",
        """
        SELECT t.id, t.order_id, o.state, count(*)
        FROM entitlement t LEFT JOIN shop_order o ON o.id = t.order_id
        WHERE t.state = 'redeemed'
        GROUP BY t.id, t.order_id, o.state, o.union_id, o.id
        HAVING o.id IS NULL OR o.state NOT IN ('paid', 'completed')
        UNION ALL
        SELECT min(CAST(t.id AS text))::uuid, t.order_id, min(o.state), count(*)
        FROM entitlement t JOIN shop_order o ON o.id = t.order_id AND o.union_id IS NULL
        WHERE t.state = 'redeemed' GROUP BY t.order_id HAVING count(*) > 1
        """,
    ),
    Invariant(
        "nobody_twice",
        "in one programme nobody is listed twice, by roster entry or as a member",
        """
        SELECT programme_id, member_id, count(*) FROM entitlement
        WHERE member_id IS NOT NULL AND state <> 'withdrawn'
        GROUP BY programme_id, member_id HAVING count(*) > 1
        """,
    ),
]
