"""Read items and statements; and their invariants."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from fulfillment.settlement import rules
from fulfillment.settlement.models import SettlementItem, SettlementStatement
from mall.kernel.errors import NotFound
from mall.kernel.invariants import Invariant

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


_WAITS = """
    NOT EXISTS (SELECT 1 FROM outbox_delivery d WHERE d.state = 'pending'
                AND (d.topic = 'PartDelivered' AND d.payload->>'order_id' = CAST(o.id AS text)
                     OR d.topic = 'LineReimbursed' AND d.payload->>'order_id' = CAST(o.id AS text)))
"""
INVARIANTS = [
    Invariant(
        "settled_on_record",
        "a payment of a statement and an adjustment stand on record with who entered and confirmed",
        """
        SELECT s.number, s.net_fen FROM settlement_statement s
        WHERE s.state = 'paid' AND NOT EXISTS (
            SELECT FROM value_act v WHERE v.kind = 'statement_payment' AND v.amount_fen = s.net_fen
            AND v.subject = CAST(s.id AS text) AND v.state IN ('alone', 'confirmed'))
        UNION ALL
        SELECT i.reference, i.net_fen FROM settlement_item i
        WHERE i.kind = 'adjustment' AND NOT EXISTS (
            SELECT FROM value_act v WHERE v.kind = 'adjustment' AND v.amount_fen = abs(i.net_fen)
            AND v.result->>'id' = CAST(i.id AS text) AND v.state IN ('alone', 'confirmed'))
        """,
    ),
    Invariant(
        "suppliers_owed_what_is_unpaid",
        "what a supplier's account holds is its open items and its statements that are not paid",
        """
        SELECT a.account, a.balance, i.owed FROM (
            SELECT e.account, sum(e.amount_fen) AS balance FROM ledger_entry e
            WHERE e.account LIKE 'supplier:%' GROUP BY e.account) a
        FULL JOIN (
            SELECT 'supplier:' || i.supplier_id AS account,
                   sum(i.net_fen) FILTER (WHERE s.state IS DISTINCT FROM 'paid') AS owed
            FROM settlement_item i LEFT JOIN settlement_statement s ON s.id = i.statement_id
            GROUP BY i.supplier_id) i USING (account)
        WHERE coalesce(a.balance, 0) <> coalesce(i.owed, 0)
        """,
    ),
    Invariant(
        "statements_add_up",
        "a statement is the sum of its items, all of its own supplier and within its period",
        """
        SELECT s.number, s.net_fen, s.item_count, i.net, i.count FROM settlement_statement s
        CROSS JOIN LATERAL (
            SELECT coalesce(sum(net_fen), 0) AS net, count(*) AS count,
                   count(*) FILTER (WHERE supplier_id <> s.supplier_id OR happened_at >=
                       CAST(s.ends_on + 1 AS timestamp) AT TIME ZONE 'Asia/Shanghai') AS strange
            FROM settlement_item WHERE statement_id = s.id) i
        WHERE s.state <> 'withdrawn' AND (s.net_fen <> i.net OR s.item_count <> i.count)
           OR s.state = 'withdrawn' AND i.count > 0 OR i.strange > 0
        """,
    ),
    Invariant(
        "delivered_lines_are_settled",
        "the items of a delivered line sum to what it cost less what went back of it",
        f"""
        SELECT o.order_no, l.id, l.amount_fen, b.back, i.sum FROM fulfillment_line f
        JOIN fulfillment_order p ON p.id = f.fulfillment_order_id AND p.state = 'delivered'
        JOIN shop_order o ON o.id = p.order_id
        JOIN order_line l ON l.order_id = o.id AND l.id = f.order_line_id
        CROSS JOIN LATERAL (SELECT coalesce(sum(amount_fen), 0) AS back FROM reimbursement
                            WHERE order_id = o.id AND order_line_id = l.id) b
        CROSS JOIN LATERAL (SELECT coalesce(sum(amount_fen), 0) AS sum FROM settlement_item
                            WHERE order_id = o.id AND order_line_id = l.id) i
        WHERE NOT f.is_replacement AND i.sum <> l.amount_fen - b.back AND {_WAITS}
        """,
    ),
    Invariant(
        "freight_is_settled",
        "freight of what was delivered is owed to its supplier, less what went back of it",
        f"""
        SELECT o.order_no, x.supplier_id, x.fee, b.back, i.sum FROM shop_order o
        CROSS JOIN LATERAL jsonb_array_elements(o.freight) AS fee(value)
        CROSS JOIN LATERAL (SELECT CAST(fee.value->>'supplier_id' AS uuid) AS supplier_id,
                                   CAST(fee.value->>'fee_fen' AS bigint) AS fee) x
        CROSS JOIN LATERAL (SELECT coalesce(sum(amount_fen), 0) AS back FROM reimbursement
                            WHERE order_id = o.id AND order_line_id IS NULL
                              AND supplier_id = x.supplier_id) b
        CROSS JOIN LATERAL (SELECT coalesce(sum(amount_fen), 0) AS sum FROM settlement_item
                            WHERE order_id = o.id AND supplier_id = x.supplier_id
                              AND kind IN ('freight', 'freight_refund')) i
        WHERE EXISTS (SELECT FROM fulfillment_order p WHERE p.order_id = o.id
                      AND p.supplier_id = x.supplier_id AND p.state = 'delivered'
                      AND p.case_id IS NULL AND p.delivery_mode <> 'store_pickup')
          AND x.fee > 0 AND i.sum <> x.fee - b.back AND {_WAITS}
        """,
    ),
    Invariant(
        "commission_as_sold",
        "every item of a line bears the commission that the line was sold at",
        """
        SELECT i.reference, i.commission_bps, l.commission_bps
        FROM settlement_item i JOIN order_line l ON l.order_id = i.order_id AND l.id = i.order_line_id
        WHERE i.commission_bps <> l.commission_bps
        """,
    ),
]
