"""Write down what suppliers earn, and settle it (docs/adr/0024)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError

from catalog.suppliers import queries as supplier_queries
from fulfillment.dispatch import queries as dispatch_queries
from fulfillment.dispatch import rules as dispatch_rules
from fulfillment.dispatch.models import FulfillmentOrder
from fulfillment.messages import FulfillmentOrderDelivered
from fulfillment.settlement import queries, rules
from fulfillment.settlement.models import SettlementItem, SettlementStatement
from fulfillment.settlement.rules import Item, ReimbursedShare, SoldLine
from mall.access.rules import OPS, SUPPLIER
from mall.kernel.clock import BEIJING, beijing_day
from mall.kernel.ids import new_id, new_number
from mall.kernel.money import yuan
from mall.kernel.uow import UnitOfWork
from mall.ledger.service import posting
from mall.ledger.service.posting import Leg, Transfer
from mall.notification.rules import NewNotice
from mall.notification.service import staff_notices
from orders.messages import LineReimbursed
from orders.order import queries as order_queries
from orders.order import service as order_service
from orders.refunds import queries as refund_queries


def collect(
    uow: UnitOfWork, messages: Sequence[FulfillmentOrderDelivered | LineReimbursed]
) -> None:
    """Write down the items that are missing of what was delivered of orders; again adds nothing."""
    for order_id in sorted({UUID(message.order_id) for message in messages}):
        _collect_order(uow, order_id)


def _collect_order(uow: UnitOfWork, order_id: UUID) -> None:
    """Write the items of an order; it is locked, so that a reimbursement is counted once."""
    order = order_service.lock(uow, order_id)
    # A replacement sells nothing: its goods were paid for with those that it replaces.
    delivered = [
        fulfillment_order
        for fulfillment_order in dispatch_queries.of_order(uow.session, order_id)
        if fulfillment_order.state == dispatch_rules.DELIVERED and fulfillment_order.case_id is None
    ]
    if not delivered:
        return
    back: dict[UUID | None, list[ReimbursedShare]] = {}
    for row in refund_queries.reimbursements_of(uow.session, order_id):
        # Freight has no line: it is its supplier's.
        key = row.order_line_id or row.supplier_id
        found = ReimbursedShare(row.id, row.amount_fen, row.unsent, row.created_at)
        back.setdefault(key, []).append(found)
    fees = {UUID(fee["supplier_id"]): fee["fee_fen"] for fee in order.freight}
    rows: list[dict[str, Any]] = []
    for fulfillment_order in delivered:
        shared = {
            "supplier_id": fulfillment_order.supplier_id,
            "order_id": order_id,
            "order_no": order.order_no,
        }
        for line_id, items in _items_of(uow, fulfillment_order, back):
            rows += [
                _row(each, fulfillment_order, order_line_id=line_id, **shared) for each in items
            ]
        fee = fees.get(fulfillment_order.supplier_id, 0)
        # What is collected at a counter was not sent, so no freight is earned by it.
        if (
            fee
            and fulfillment_order.delivery_mode != dispatch_rules.PICKUP
            and fulfillment_order.delivered_at
        ):
            reference = f"{order_id}:{fulfillment_order.supplier_id}"
            found_back = back.get(fulfillment_order.supplier_id, [])
            freight = rules.items_of_freight(
                reference, fee, found_back, fulfillment_order.delivered_at
            )
            rows += [
                _row(each, fulfillment_order, order_line_id=None, **shared) for each in freight
            ]
    # All is computed anew and what stands already left out: messages come late, twice, in any
    # order.
    known = queries.known(uow.session, order_id)
    _write(uow, [row for row in rows if row["reference"] not in known])


def _items_of(
    uow: UnitOfWork,
    fulfillment_order: FulfillmentOrder,
    back: dict[UUID | None, list[ReimbursedShare]],
) -> Iterable[tuple[UUID, list[Item]]]:
    lines = {
        line.id: line
        for line in order_queries.lines_of(uow.session, [fulfillment_order.order_id])[
            fulfillment_order.order_id
        ]
    }
    for goods in dispatch_queries.lines_of(uow.session, [fulfillment_order.id])[
        fulfillment_order.id
    ]:
        line = lines[goods.order_line_id]
        gone = back.get(line.id, [])
        sold = SoldLine(line.id, line.title, line.quantity, line.amount_fen, gone)
        assert fulfillment_order.delivered_at is not None
        yield (
            line.id,
            rules.items_of_line(sold, line.commission_bps, fulfillment_order.delivered_at),
        )


def _row(item: Item, fulfillment_order: FulfillmentOrder, **shared: Any) -> dict[str, Any]:
    # What went back before the delivery counts from the delivery: there was no sale before.
    at = max(item.at, fulfillment_order.delivered_at) if fulfillment_order.delivered_at else item.at
    values = {**vars(item), "net_fen": item.amount_fen - item.commission_fen, "happened_at": at}
    del values["at"]
    return {"id": new_id(), "statement_id": None, **values, **shared}


def _write(uow: UnitOfWork, rows: list[dict[str, Any]]) -> None:
    """Write items with their postings; both are unique by the item's reference."""
    # What costs nothing, of a line that was given away for example, moves nothing.
    rows = [row for row in rows if row["amount_fen"]]
    # Two fulfillment orders of a supplier share its freight.
    rows = list({row["reference"]: row for row in rows}.values())
    if not rows:
        return
    uow.session.execute(insert(SettlementItem).values(rows))
    posting.post(uow, [_transfer(row) for row in rows])


def _transfer(row: dict[str, Any]) -> Transfer:
    is_adjustment = row["kind"] == rules.ADJUSTMENT
    source = posting.ADJUSTMENTS if is_adjustment else posting.SETTLEMENT_COST
    legs = [
        Leg(source, -row["amount_fen"]),
        Leg(posting.COMMISSION, row["commission_fen"]),
        Leg(posting.supplier_account(row["supplier_id"]), row["net_fen"]),
    ]
    # The ledger keeps no entry of nothing, and a commission may be nothing.
    moved = tuple(leg for leg in legs if leg.amount_fen)
    return Transfer(f"settle:{row['reference']}", "settlement", posting.CNY, moved)


@dataclass(frozen=True)
class Adjustment:
    """What an operator adds to, or takes from, what a supplier is owed, and why."""

    supplier_id: UUID
    amount_fen: int
    note: str
    order_no: str = ""


def adjust(uow: UnitOfWork, made: Adjustment, actor: str) -> UUID:
    """Record an adjustment as an open item; raises NotFound and Invalid."""
    rules.check_adjustment(made.amount_fen)
    supplier_queries.get_supplier(uow.session, made.supplier_id)
    item_id = new_id()
    row = {
        "id": item_id,
        "reference": f"adjust:{item_id}",
        "supplier_id": made.supplier_id,
        "kind": rules.ADJUSTMENT,
        "order_id": None,
        "order_line_id": None,
        "order_no": made.order_no,
        "title": made.note,
        "quantity": 1,
        "amount_fen": made.amount_fen,
        "commission_bps": 0,
        "commission_fen": 0,
        "net_fen": made.amount_fen,
        "happened_at": uow.now,
        "recorded_by": actor,
        "statement_id": None,
    }
    _write(uow, [row])
    amount = yuan(made.amount_fen)
    told = NewNotice(
        SUPPLIER,
        made.supplier_id,
        "settlement_adjusted",
        f"adjust:{item_id}",
        f"结算调整 {amount} 元：{made.note}",
        f"Your settlement was adjusted by {amount} yuan: {made.note}",
    )
    staff_notices.notify(uow, [told])
    return item_id


def draft(uow: UnitOfWork, supplier_id: UUID, ends_on: date, actor: str) -> SettlementStatement:
    """Put a supplier's open items up to the end of a day on a statement.

    Raises NotFound, Invalid, StatementOpen, and NothingToSettle where they sum to nothing or less.
    """
    # The supplier's row is the turn: two drafts at once would share out the same items.
    supplier = supplier_queries.get_supplier(uow.session, supplier_id, for_update=True)
    rules.check_period(ends_on, beijing_day(uow.now))
    waiting = queries.waiting_of(uow.session, supplier_id)
    if waiting is not None:
        raise rules.StatementOpen(number=waiting.number)
    items = queries.open_until(uow.session, supplier_id, end_of(ends_on))
    sums = rules.totals(items)
    if sums["net_fen"] <= 0:
        raise rules.NothingToSettle(until=ends_on, net_fen=sums["net_fen"])
    statement = SettlementStatement(
        id=new_id(),
        number=new_number("J", uow.now),
        supplier_id=supplier_id,
        supplier_name=supplier.name,
        # As it is now: a statement is paid to the account that stands on it.
        account=supplier.settlement_account,
        begins_on=beijing_day(min(each.happened_at for each in items)),
        ends_on=ends_on,
        state=rules.DRAFT,
        created_by=actor,
        created_at=uow.now,
        note="",
        **sums,
    )
    uow.session.add(statement)
    uow.session.flush()
    for item in items:
        item.statement_id = statement.id
    uow.session.flush()
    _tell_supplier(uow, statement, "请核对并确认结算单", "Please check and confirm a statement")
    return statement


def end_of(day: date) -> datetime:
    """Return the instant at which a day in Beijing is over."""
    return datetime.combine(day + timedelta(days=1), time(), BEIJING)


def lock(uow: UnitOfWork, statement_id: UUID) -> SettlementStatement:
    """Lock a statement until the transaction ends."""
    queries.any_statement(uow.session, statement_id)
    return uow.session.get_one(
        SettlementStatement, statement_id, with_for_update=True, populate_existing=True
    )


def withdraw(uow: UnitOfWork, statement_id: UUID, note: str) -> SettlementStatement:
    """Take a statement back before it is confirmed; its items are open again."""
    found = lock(uow, statement_id)
    rules.STATES.check(found.state, rules.WITHDRAWN)
    found.state, found.note = rules.WITHDRAWN, note
    uow.session.execute(
        update(SettlementItem)
        .where(SettlementItem.statement_id == statement_id)
        .values(statement_id=None)
        .execution_options(synchronize_session=False)
    )
    uow.session.flush()
    return found


def confirm(
    uow: UnitOfWork, supplier_id: UUID, statement_id: UUID, actor: str
) -> SettlementStatement:
    """Let a supplier agree to a statement; doing it again changes nothing. Raises WrongState."""
    queries.statement_of_supplier(uow.session, statement_id, supplier_id)
    found = lock(uow, statement_id)
    if found.state == rules.CONFIRMED:
        return found
    rules.STATES.check(found.state, rules.CONFIRMED)
    found.state, found.confirmed_by, found.confirmed_at = rules.CONFIRMED, actor, uow.now
    uow.session.flush()
    return found


def dispute(
    uow: UnitOfWork, supplier_id: UUID, statement_id: UUID, note: str
) -> SettlementStatement:
    """Let a supplier say what is wrong with a statement; an operator is told. Raises WrongState."""
    queries.statement_of_supplier(uow.session, statement_id, supplier_id)
    found = lock(uow, statement_id)
    rules.STATES.check(found.state, rules.DISPUTED)
    found.state, found.note = rules.DISPUTED, note
    uow.session.flush()
    told = NewNotice(
        OPS,
        None,
        "statement_disputed",
        f"disputed:{statement_id}",
        f"商家对结算单 {found.number} 有异议：{note}",
        f"A supplier disputes statement {found.number}: {note}",
    )
    staff_notices.notify(uow, [told])
    return found


def pay(
    uow: UnitOfWork, statement_id: UUID, bank_reference: str, actor: str
) -> SettlementStatement:
    """Record that a confirmed statement was paid by bank, with its posting.

    The same reference again changes nothing. Raises WrongState and ReferenceUsed.
    """
    found = lock(uow, statement_id)
    if found.state == rules.PAID and found.bank_reference == bank_reference:
        return found
    rules.STATES.check(found.state, rules.PAID)
    found.state, found.paid_by, found.paid_at = rules.PAID, actor, uow.now
    found.bank_reference = bank_reference
    try:
        # A savepoint: one transfer of the bank pays one statement, and the other is refused in
        # words.
        with uow.session.begin_nested():
            uow.session.flush()
    except IntegrityError as error:
        raise rules.ReferenceUsed("bank_reference") from error
    legs = (
        Leg(posting.supplier_account(found.supplier_id), -found.net_fen),
        Leg(posting.PAYOUTS, found.net_fen),
    )
    posting.post(uow, [Transfer(f"payout:{statement_id}", "payout", posting.CNY, legs)])
    _tell_supplier(uow, found, "结算款已付", "A statement was paid")
    return found


def _tell_supplier(uow: UnitOfWork, found: SettlementStatement, zh: str, en: str) -> None:
    told = NewNotice(
        SUPPLIER,
        found.supplier_id,
        "settlement",
        f"statement:{found.id}:{found.state}",
        f"{zh}：{found.number}，净额 {yuan(found.net_fen)} 元。",
        f"{en}: {found.number}, ¥{yuan(found.net_fen)} net.",
    )
    staff_notices.notify(uow, [told])
