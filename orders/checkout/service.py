"""Quote, place, cancel and lapse orders."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from catalog.stock import queries as stock_queries
from catalog.stock import service as stock_service
from catalog.stock.rules import Offer
from mall.kernel.ids import new_id, new_number
from mall.kernel.together import Read, read_together
from mall.kernel.uow import UnitOfWork
from mall.ledger.rules import Draw, Lot
from mall.ledger.service import wallet
from mall.ledger.service.wallet import LotSpending
from mall.members import queries as member_queries
from mall.members.queries import Destination
from orders.carts import service as cart_service
from orders.checkout import rules
from orders.checkout.rules import Checkout, Quote, WantedLine
from orders.messages import OrderCancelled
from orders.order import queries as order_queries
from orders.order import rules as order_rules
from orders.order import service as order_service
from orders.order.models import Order, OrderLine
from orders.order.service import NewOrder
from orders.payments import queries as payment_queries
from orders.payments.rules import AlreadyPaid
from orders.refunds.rules import TenderSplit
from orders.refunds.service import refunding, reimbursing


@dataclass(frozen=True)
class PlacedOrder:
    """What a member gets for an order."""

    order_id: UUID
    order_no: str
    state: str
    total_fen: int
    beans_fen: int
    wechat_fen: int
    pay_by: datetime | None


@dataclass(frozen=True)
class QuoteInputs:
    """What must be known to quote: the lines wanted, and what was read for them."""

    wanted: tuple[WantedLine, ...]
    offers: Mapping[UUID, Offer]
    destination: Destination | None
    lots: Sequence[Lot]


def wanted_lines(session: Session, member_id: UUID, checkout: Checkout) -> tuple[WantedLine, ...]:
    """Return the lines asked for, or the cart's."""
    if checkout.lines is not None:
        return checkout.lines
    return tuple(WantedLine(*line) for line in cart_service.lines(session, member_id))


def reads(
    member_id: UUID, checkout: Checkout, wanted: Sequence[WantedLine], now: datetime
) -> tuple[Read, Read, Read]:
    """Return what is read for a quote: offers, destination and lots."""
    return (
        stock_queries.reading_offers([line.sku_id for line in wanted]),
        member_queries.reading_destination(member_id, checkout.address_id),
        wallet.reading_lots(member_id, now),
    )


def quote(session: Session, member_id: UUID, checkout: Checkout, now: datetime) -> Quote:
    """Compute what an order would cost and which tender would pay what; nothing is kept.

    Raises CartEmpty, LinesUnavailable, Invalid, AddressNeeded, RegionNotServed, NotEnoughBeans,
    MemberLimitReached.
    """
    wanted = wanted_lines(session, member_id, checkout)
    # One round trip for offers, destination and lots.
    found = read_together(session, *reads(member_id, checkout, wanted, now))
    priced = price(checkout, QuoteInputs(wanted, *found))
    _check_member_limits(session, member_id, priced, now)
    return priced


def price(checkout: Checkout, known: QuoteInputs) -> Quote:
    """Compute a quote from what is known; raises what `quote` raises."""
    if not known.wanted:
        raise rules.CartEmpty("lines")
    lines = rules.check_lines(known.wanted, known.offers)
    region_code = known.destination.region_code if known.destination else None
    fees = rules.freight(lines, region_code)
    return rules.with_beans(lines, fees, known.lots, checkout.tender, checkout.max_beans_fen)


def place_order(
    uow: UnitOfWork, member_id: UUID, checkout: Checkout, known: QuoteInputs
) -> PlacedOrder:
    """Turn lines or the cart into an order: paid at once if beans cover it, else awaiting WeChat.

    Raises what `quote` raises, and QuoteChanged if the total is not the one the member saw. Its
    writes travel together and raise NotEnoughBeans or OutOfStock where another order was faster.
    Nothing is kept in any case. Locks lots first, stock last.
    """
    priced = price(checkout, known)
    # Nobody pays another total than the one that was shown: who agreed is asked again.
    if priced.total_fen != checkout.quoted_total_fen:
        raise rules.QuoteChanged("quoted_total_fen", total_fen=priced.total_fen)
    if rules.limited(priced.lines):
        # One order of a member after the other: two phones cannot both take the last of a limit.
        order_queries.lock_buyer(uow.session, member_id)
        _check_member_limits(uow.session, member_id, priced, uow.now)
    # What beans cover is paid in this very transaction: there is no state in between to get stuck
    # in.
    order_id, is_paid = new_id(), priced.wechat_fen == 0
    new = _new_order(uow, _Placing(order_id, member_id, checkout), priced, known)
    # Who buys one thing at once keeps the cart as it is.
    if checkout.lines is None:
        cart_service.remove_lines(uow, member_id, list(priced.quantities()))
    # Lots first and stock last: a sought-after SKU is the row that everybody waits for.
    amounts = priced.lot_amounts()
    if amounts:
        take = wallet.spending if is_paid else wallet.holding
        uow.defer(take(LotSpending(member_id, order_id, amounts, uow.now)))
    state = order_service.defer_order(uow, new)
    take_units = stock_service.selling if is_paid else stock_service.reserving
    uow.defer(take_units(order_id, priced.quantities(), uow.now))
    return PlacedOrder(
        order_id,
        new.order_no,
        state,
        priced.total_fen,
        priced.beans_fen,
        priced.wechat_fen,
        new.pay_by,
    )


@dataclass(frozen=True)
class ProgrammeOrder:
    """An order that a programme pays for wholly: whose lots, for whom, and where it goes."""

    owner_id: UUID
    member_id: UUID
    programme_id: UUID
    address: dict[str, Any] | None
    note: str = ""
    union_id: UUID | None = None


def defer_programme_order(
    uow: UnitOfWork, order_id: UUID, priced: Quote, programme_order: ProgrammeOrder
) -> str:
    """Defer the writes of an order whose every fen lots of a programme pay; return its number.

    Writing them raises NotEnoughBeans or OutOfStock where somebody was faster; nothing is kept
    then.
    """
    taking = LotSpending(programme_order.owner_id, order_id, priced.lot_amounts(), uow.now)
    uow.defer(wallet.spending(taking))
    new = NewOrder(
        id=order_id,
        order_no=new_number("D", uow.now),
        member_id=programme_order.member_id,
        union_id=programme_order.union_id,
        tender=rules.BEANS,
        goods_fen=priced.goods_fen,
        # Delivery is in the price that the union agreed to.
        freight_fen=0,
        beans_fen=priced.beans_fen,
        wechat_fen=0,
        freight=[],
        address=programme_order.address,
        note=programme_order.note,
        lines=[_line(position, line) for position, line in enumerate(priced.lines)],
        pay_by=None,
        programmes={programme_order.programme_id: priced.beans_fen},
    )
    order_service.defer_order(uow, new)
    uow.defer(stock_service.selling(order_id, priced.quantities(), uow.now))
    return new.order_no


def _check_member_limits(session: Session, member_id: UUID, priced: Quote, now: datetime) -> None:
    periods = rules.limited(priced.lines)
    if periods:
        since = {sku_id: now - timedelta(days=days) for sku_id, days in periods.items()}
        rules.check_member_limits(priced.lines, order_queries.bought(session, member_id, since))


@dataclass(frozen=True)
class _Placing:
    """Which order is placed, by whom, and what was asked for."""

    order_id: UUID
    member_id: UUID
    checkout: Checkout


def _new_order(uow: UnitOfWork, placing: _Placing, priced: Quote, known: QuoteInputs) -> NewOrder:
    checkout = placing.checkout
    destination = known.destination
    window = timedelta(seconds=uow.settings.payment_timeout_seconds)
    # An address is kept only where something is sent to it.
    needs_address = any(line.delivery_mode == rules.SHIP for line in priced.lines)
    return NewOrder(
        id=placing.order_id,
        order_no=new_number("D", uow.now),
        member_id=placing.member_id,
        tender=checkout.tender,
        goods_fen=priced.goods_fen,
        freight_fen=priced.freight_fen,
        beans_fen=priced.beans_fen,
        wechat_fen=priced.wechat_fen,
        freight=[
            {
                "supplier_id": str(line.supplier_id),
                "fee_fen": line.fee_fen,
                "beans_fen": line.beans_fen,
                "wechat_fen": line.fee_fen - line.beans_fen,
                "bean_lots": _lots(line.draws),
            }
            for line in priced.freight
        ],
        address=destination.snapshot() if destination and needs_address else None,
        note=checkout.note,
        lines=[_line(position, line) for position, line in enumerate(priced.lines)],
        pay_by=uow.now + window if priced.wechat_fen else None,
        programmes=rules.by_programme(priced.lot_amounts(), known.lots),
    )


def _lots(draws: tuple[Draw, ...]) -> list[dict[str, Any]]:
    return [{"lot_id": str(draw.lot_id), "amount_fen": draw.amount_fen} for draw in draws]


def _line(position: int, line: rules.QuoteLine) -> dict[str, Any]:
    offer = line.offer
    return {
        "id": str(new_id()),
        "position": position,
        "sku_id": str(offer.sku_id),
        "product_id": str(offer.product_id),
        "supplier_id": str(offer.supplier_id),
        # Copied, not joined: an order shows for ever what was bought, from whom, at which price.
        "supplier_name": offer.supplier_name,
        "title": offer.title,
        "options": list(offer.options),
        "image_url": offer.image_url,
        "delivery_mode": line.delivery_mode,
        "quantity": line.quantity,
        "price_fen": offer.price_fen,
        "amount_fen": line.amount_fen,
        "beans_fen": line.beans_fen,
        "wechat_fen": line.amount_fen - line.beans_fen,
        "bean_lots": _lots(line.draws),
        "origin_region_code": offer.origin_region_code,
        "assistance_id": offer.assistance_id and str(offer.assistance_id),
        "assistance_region_code": offer.assistance_region_code,
        # The rate of this day: settlement uses it even if another one holds by then.
        "commission_bps": offer.commission_bps,
        "returned_quantity": 0,
    }


def cancel_by_member(uow: UnitOfWork, order_id: UUID, actor: str) -> None:
    """Cancel an order that was paid, for its member; doing it again changes nothing.

    Raises AlreadyDispatched, and ChooseAnew for an order that redeemed an entitlement.
    """
    order = order_service.lock(uow, order_id)
    if order.state == order_rules.CANCELLED:
        return
    lines = order_queries.lines_of(uow.session, [order.id])[order.id]
    left = reimbursing.tenders_of(uow.session, order, lines).left
    # What an entitlement paid with cannot be spent otherwise, so its member chooses anew instead.
    if wallet.holds_entitlement(uow.session, _drawn(left.values())):
        raise rules.ChooseAnew()
    _take_back(uow, order, lines, actor, order_rules.BY_MEMBER)


def _drawn(shares: Iterable[TenderSplit]) -> dict[UUID, int]:
    """Return how much shares draw of each lot, together."""
    amounts: dict[UUID, int] = {}
    for share in shares:
        for lot_id, fen in share.lots.items():
            if fen:
                amounts[lot_id] = amounts.get(lot_id, 0) + fen
    return amounts


def cancel_order(uow: UnitOfWork, order_id: UUID, actor: str, reason: str) -> bool:
    """Cancel an order that awaits payment; give its stock and beans back.

    Returns False while a payment of it is still open at WeChat: close that first. Cancelling
    again changes nothing. Raises AlreadyPaid.
    """
    order = order_service.lock(uow, order_id)
    if order.state == order_rules.CANCELLED:
        return True
    if order.state != order_rules.AWAITING_PAYMENT:
        raise AlreadyPaid()
    # As long as WeChat may take the money, the goods stay reserved.
    if payment_queries.open_payments(uow.session, order_id):
        return False
    # Order, lots, stock: the order of locks that everybody keeps.
    order_service.mark_cancelled(uow, order, actor, reason)
    wallet.release(uow, order_id)
    uow.defer(*stock_service.releasing(uow, order_id))
    return True


def cancel_paid(uow: UnitOfWork, order: Order, actor: str, reason: str) -> None:
    """Cancel a locked order that was paid, before anything of it is dispatched (docs/adr/0016).

    Beans go back to their lots, units to the shelf, and what WeChat brought is owed to the payer;
    what was split is cancelled through the outbox. That units go back is deferred. Raises
    AlreadyDispatched and WrongState.
    """
    _take_back(uow, order, order_queries.lines_of(uow.session, [order.id])[order.id], actor, reason)


def _take_back(
    uow: UnitOfWork, order: Order, lines: Sequence[OrderLine], actor: str, reason: str
) -> None:
    # The order is locked: no parcel can leave between this look and the commit.
    if order.dispatch_began_at is not None:
        raise rules.AlreadyDispatched()
    order_service.mark_cancelled(uow, order, actor, reason)
    # Owed only: WeChat is called by a job after the commit, never inside a transaction.
    refunding.refund_order(uow, order)
    left = reimbursing.tenders_of(uow.session, order, lines)
    wallet.reimburse_order(
        uow, order.id, _drawn((*left.left.values(), *left.freight_left.values()))
    )
    quantities: dict[UUID, int] = {}
    for line in lines:
        # What after-sales gave back before it was sent is on the shelf already.
        units = line.quantity - left.unsent.get(line.id, 0)
        if units:
            quantities[line.sku_id] = quantities.get(line.sku_id, 0) + units
    uow.defer(stock_service.restocking(order.id, quantities, uow.now))
    uow.emit(OrderCancelled(str(order.id)))


def open_payments(session: Session, order_id: UUID) -> list[str]:
    """Return the numbers of payments that must be closed before an order can be cancelled."""
    return [payment.out_trade_no for payment in payment_queries.open_payments(session, order_id)]
