"""Reimburse what lines of a paid order took, tender by tender (docs/adr/0018)."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from catalog.stock import service as stock_service
from mall.kernel.ids import new_id
from mall.kernel.uow import UnitOfWork
from mall.ledger.service import wallet
from orders.messages import LineReimbursed
from orders.order import queries as order_queries
from orders.order import rules as order_rules
from orders.order import service as order_service
from orders.order.models import Order, OrderLine
from orders.refunds import queries
from orders.refunds.models import Reimbursement
from orders.refunds.rules import TenderSplit
from orders.refunds.service import refunding


@dataclass(frozen=True)
class ReimbursementRequest:
    """What is reimbursed of one line: how much, for how many units that never left, and why.

    `with_freight`: the supplier's freight follows once nothing of its goods is left. `units`: how many
    units the amount is about; they are returned if it is their whole price.
    """

    line_id: UUID
    amount_fen: int
    reference: str
    unsent: int = 0
    with_freight: bool = False
    units: int = 0


@dataclass(frozen=True)
class ReimbursementShare:
    """What goes back of a line, or of freight where there is none, under a reference of its own."""

    reference: str
    line_id: UUID | None
    split: TenderSplit


@dataclass(frozen=True)
class Reimbursed:
    """What was given back of a line, and the freight that followed it."""

    amount_fen: int
    freight_fen: int


def share_of(draws: Iterable[Mapping[str, Any]], wechat_fen: int) -> TenderSplit:
    """Return a share from draws of lots, as lines and freight keep them."""
    lots: dict[UUID, int] = defaultdict(int)
    for draw in draws:
        lots[UUID(draw["lot_id"])] += draw["amount_fen"]
    return TenderSplit(lots, wechat_fen)


@dataclass
class OrderTenders:
    """The shares of an order: what each line and freight took, and what went back of it."""

    lines: dict[UUID, OrderLine]
    left: dict[UUID, TenderSplit]
    freight_left: dict[UUID, TenderSplit]
    unsent: dict[UUID, int]

    def goods_left(self, supplier_id: UUID) -> int:
        """Return how much of a supplier's goods has not gone back, in fen."""
        return sum(
            share.total_fen
            for line_id, share in self.left.items()
            if self.lines[line_id].supplier_id == supplier_id
        )


def tenders_of(session: Session, order: Order, lines: Sequence[OrderLine]) -> OrderTenders:
    """Return what is left of every share of an order."""
    left = {line.id: share_of(line.bean_lots, line.wechat_fen) for line in lines}
    freight = {
        UUID(fee["supplier_id"]): share_of(fee["bean_lots"], fee["wechat_fen"])
        for fee in order.freight
    }
    unsent: dict[UUID, int] = defaultdict(int)
    for row in queries.reimbursements_of(session, order.id):
        gone = share_of(row.bean_lots, row.wechat_fen)
        # Without a line it was freight.
        if row.order_line_id is None:
            freight[row.supplier_id] = freight[row.supplier_id].less(gone)
        else:
            left[row.order_line_id] = left[row.order_line_id].less(gone)
            unsent[row.order_line_id] += row.unsent
    return OrderTenders({line.id: line for line in lines}, left, freight, unsent)


def left_of_line(session: Session, order_id: UUID, line_id: UUID) -> tuple[int, bool]:
    """Return how much of a line has not gone back, in fen, and whether an entitlement pays for it."""
    order, lines = (
        order_queries.any_order(session, order_id),
        order_queries.lines_of(session, [order_id]),
    )
    share = tenders_of(session, order, lines[order_id]).left[line_id]
    return share.total_fen, wallet.holds_entitlement(session, share.lots)


def reimburse(
    uow: UnitOfWork, order_id: UUID, back: ReimbursementRequest, actor: str
) -> Reimbursed:
    """Reimburse an amount of an order's line, to each tender its share. Locks the order.

    Beans are back at once, WeChat money is owed from now on, and units that never left are on the
    shelf again at the end of the transaction. Raises NothingLeft, and WrongState for an order that
    was not paid. A second time for the same reference fails on it.
    """
    order = order_service.lock(uow, order_id)
    if order.state not in (order_rules.PAID, order_rules.COMPLETED):
        raise order_rules.STATES.refusal(order.state, "refund")
    found = tenders_of(
        uow.session, order, order_queries.lines_of(uow.session, [order.id])[order.id]
    )
    line = found.lines[back.line_id]
    share = found.left[line.id].share(back.amount_fen)
    shares = [ReimbursementShare(back.reference, line.id, share)]
    found.left[line.id] = found.left[line.id].less(share)
    freight = found.freight_left.get(line.supplier_id)
    # Asked after the share was taken off: the last goods of a supplier take its freight along.
    is_last = found.goods_left(line.supplier_id) == 0
    if back.with_freight and is_last and freight is not None and freight.total_fen:
        shares.append(ReimbursementShare(f"freight:{back.reference}", None, freight))
    rows = [_row(uow, order, line.supplier_id, each, actor) for each in shares]
    # The first row is the line's; freight, if it follows, has no units.
    rows[0].unsent = back.unsent
    _move(uow, order, rows)
    # The whole price back means that the units are returned; less of it is a discount.
    if back.unsent or back.amount_fen == back.units * line.price_fen:
        order_service.count_returned(uow, line, back.units)
    if back.unsent:
        units = {line.sku_id: back.unsent}
        # Stock is locked last, after whatever else this transaction still defers.
        uow.defer_to_end(stock_service.restocking(order.id, units, uow.now))
    return Reimbursed(back.amount_fen, sum(row.amount_fen for row in rows[1:]))


def _row(
    uow: UnitOfWork,
    order: Order,
    supplier_id: UUID,
    share_row: ReimbursementShare,
    actor: str,
) -> Reimbursement:
    share = share_row.split
    beans = sum(share.lots.values())
    return Reimbursement(
        id=new_id(),
        reference=share_row.reference,
        order_id=order.id,
        order_line_id=share_row.line_id,
        supplier_id=supplier_id,
        amount_fen=share.total_fen,
        beans_fen=beans,
        wechat_fen=share.wechat_fen,
        bean_lots=[
            {"lot_id": str(lot), "amount_fen": fen} for lot, fen in share.lots.items() if fen
        ],
        unsent=0,
        actor=actor,
        created_at=uow.now,
    )


def _move(uow: UnitOfWork, order: Order, rows: Sequence[Reimbursement]) -> None:
    # One refund for goods and freight together: WeChat allows few of them for a payment.
    wechat_fen = sum(row.wechat_fen for row in rows)
    if wechat_fen:
        refund_id = refunding.owe_refund(uow, order.id, wechat_fen)
        for row in rows:
            # Null where nothing of it came from WeChat.
            row.refund_id = refund_id if row.wechat_fen else None
    uow.session.add_all(rows)
    uow.session.flush()
    by_programme: dict[UUID, int] = defaultdict(int)
    for row in rows:
        amounts = dict(share_of(row.bean_lots, 0).lots)
        wallet.reimburse(uow, row.id, amounts)
        for programme_id, fen in wallet.by_programme(uow.session, amounts).items():
            by_programme[programme_id] += fen
    beans_fen = sum(row.beans_fen for row in rows)
    order_service.count_reimbursed(uow, order, beans_fen, wechat_fen, by_programme)
    uow.emit(LineReimbursed(str(order.id), str(rows[0].id)))
