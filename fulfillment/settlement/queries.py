"""Read items and statements; and their invariants."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from fulfillment.settlement import rules
from fulfillment.settlement.models import SettlementItem, SettlementStatement
from mall.kernel.errors import NotFound

MAX_ITEMS = 100_000


def any_statement(session: Session, statement_id: UUID) -> SettlementStatement:
    """Return a statement, of whichever supplier; raises NotFound if there is none."""
    found = session.get(SettlementStatement, statement_id)
    if found is None:
        raise NotFound("statement")
    return found


def statement_of_supplier(
    session: Session, statement_id: UUID, supplier_id: UUID
) -> SettlementStatement:
    """Return a supplier's statement; raises NotFound if it is someone else's, or was withdrawn."""
    query = select(SettlementStatement).where(
        SettlementStatement.id == statement_id,
        SettlementStatement.supplier_id == supplier_id,
        SettlementStatement.state != rules.WITHDRAWN,
    )
    found = session.scalars(query).first()
    if found is None:
        raise NotFound("statement")
    return found


def list_statements(
    session: Session,
    supplier_id: UUID | None,
    state: str | None,
    cursor: UUID | None,
    limit: int,
) -> list[SettlementStatement]:
    """Return statements, newest first, one more than `limit` if there are more.

    A supplier does not see those that were withdrawn.
    """
    query = select(SettlementStatement).order_by(SettlementStatement.id.desc()).limit(limit + 1)
    if supplier_id is not None:
        query = query.where(
            SettlementStatement.supplier_id == supplier_id,
            SettlementStatement.state != rules.WITHDRAWN,
        )
    if state is not None:
        query = query.where(SettlementStatement.state == state)
    if cursor is not None:
        query = query.where(SettlementStatement.id < cursor)
    return list(session.scalars(query))


def waiting_of(session: Session, supplier_id: UUID) -> SettlementStatement | None:
    """Return the statement that a supplier has not agreed to yet."""
    query = select(SettlementStatement).where(
        SettlementStatement.supplier_id == supplier_id,
        SettlementStatement.state.in_(rules.WAITING),
    )
    return session.scalars(query).first()


def items_of(
    session: Session, statement_id: UUID, cursor: UUID | None, limit: int
) -> list[SettlementItem]:
    """Return the items of a statement, oldest first, one more than `limit` if there are more."""
    query = select(SettlementItem).where(SettlementItem.statement_id == statement_id)
    if cursor is not None:
        query = query.where(SettlementItem.id > cursor)
    return list(session.scalars(query.order_by(SettlementItem.id).limit(limit + 1)))


def open_items(
    session: Session, supplier_id: UUID, cursor: UUID | None, limit: int
) -> list[SettlementItem]:
    """Return what is on no statement yet, oldest first, one more than `limit` if there are more."""
    query = select(SettlementItem).where(
        SettlementItem.supplier_id == supplier_id, SettlementItem.statement_id.is_(None)
    )
    if cursor is not None:
        query = query.where(SettlementItem.id > cursor)
    return list(session.scalars(query.order_by(SettlementItem.id).limit(limit + 1)))


def open_until(session: Session, supplier_id: UUID, before: datetime) -> list[SettlementItem]:
    """Return a supplier's open items of before an instant, locked."""
    query = (
        select(SettlementItem)
        .where(
            SettlementItem.supplier_id == supplier_id,
            SettlementItem.statement_id.is_(None),
            SettlementItem.happened_at < before,
        )
        .order_by(SettlementItem.id)
        .limit(MAX_ITEMS)
        .with_for_update()
    )
    return list(session.scalars(query))


def figures_of(session: Session, supplier_id: UUID) -> dict[str, int]:
    """Return what a supplier is owed: on no statement, on statements not paid, and was paid."""
    open_fen = session.scalar(
        select(func.coalesce(func.sum(SettlementItem.net_fen), 0)).where(
            SettlementItem.supplier_id == supplier_id, SettlementItem.statement_id.is_(None)
        )
    )
    rows = session.execute(
        select(SettlementStatement.state, func.sum(SettlementStatement.net_fen))
        .where(SettlementStatement.supplier_id == supplier_id)
        .group_by(SettlementStatement.state)
    )
    by_state = {row[0]: int(row[1]) for row in rows}
    stated = (*rules.WAITING, rules.CONFIRMED)
    return {
        "open_fen": int(open_fen or 0),
        "stated_fen": sum(by_state.get(state, 0) for state in stated),
        "paid_fen": by_state.get(rules.PAID, 0),
    }


def suppliers_with_open(session: Session, before: datetime) -> list[UUID]:
    """Return suppliers that earned something before an instant and have no draft."""
    drafted = select(SettlementStatement.supplier_id).where(
        SettlementStatement.state.in_(rules.WAITING)
    )
    query = (
        select(SettlementItem.supplier_id)
        .where(
            SettlementItem.statement_id.is_(None),
            SettlementItem.happened_at < before,
            SettlementItem.supplier_id.not_in(drafted),
        )
        .group_by(SettlementItem.supplier_id)
        .having(func.sum(SettlementItem.net_fen) > 0)
        .order_by(SettlementItem.supplier_id)
    )
    return list(session.scalars(query))


def is_reference_used(session: Session, bank_reference: str) -> bool:
    """Tell whether a bank reference already paid a statement."""
    query = select(SettlementStatement.id).where(
        SettlementStatement.bank_reference == bank_reference
    )
    return session.scalars(query).first() is not None


def known(session: Session, order_id: UUID) -> set[str]:
    """Return the references of an order's items."""
    query = select(SettlementItem.reference).where(SettlementItem.order_id == order_id)
    return set(session.scalars(query))


def was_settled(session: Session, supplier_id: UUID, ends_on: date) -> bool:
    """Tell whether a statement of a supplier already reaches to a day."""
    query = select(SettlementStatement.id).where(
        SettlementStatement.supplier_id == supplier_id,
        SettlementStatement.ends_on >= ends_on,
        SettlementStatement.state != rules.WITHDRAWN,
    )
    return session.scalars(query.limit(1)).first() is not None
