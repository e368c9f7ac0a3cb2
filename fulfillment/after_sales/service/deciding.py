"""Suppliers decide about cases, operators where they disagree, and silence where nobody does."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from catalog.stock import service as stock_service
from catalog.stock.rules import OutOfStock
from fulfillment.after_sales import queries, rules
from fulfillment.after_sales.models import AfterSalesCase
from fulfillment.after_sales.rules import Request
from fulfillment.after_sales.service import asking
from fulfillment.after_sales.service.asking import Locked, become, release, tell_member
from fulfillment.dispatch import service as dispatch_service
from fulfillment.vouchers import service as voucher_service
from mall.kernel.errors import Invalid
from mall.kernel.money import yuan
from mall.kernel.uow import UnitOfWork
from orders.messages import OrderCancelled
from orders.refunds.service import reimbursing
from orders.refunds.service.reimbursing import GivingBack


def ask(uow: UnitOfWork, member_id: UUID, order_id: UUID, asked: Request) -> AfterSalesCase:
    """Open a case; money for what should have left by now goes back without asking anybody.

    Raises what `asking.request` raises.
    """
    found = asking.request(uow, member_id, order_id, asked)
    part, _, case = found
    is_late = part.dispatch_by is not None and part.dispatch_by < uow.now
    if case.is_unsent and is_late:
        _agree(uow, found, rules.SILENCE, "已超过承诺发货时间，自动同意")
    return case


def approve(uow: UnitOfWork, case_id: UUID, actor: str, note: str = "") -> AfterSalesCase:
    """Agree to what was asked: money goes back at once, or the goods are to be sent back.

    Raises NoReturnAddress and WrongState.
    """
    found = asking.lock(uow, case_id)
    rules.STATES.check(found[2].state, rules.REFUNDED)
    _agree(uow, found, actor, note)
    return found[2]


def _agree(uow: UnitOfWork, found: Locked, actor: str, note: str) -> None:
    case = found[2]
    is_back = case.received_at is not None or not case.needs_return
    if case.kind == rules.REFUND_ONLY or is_back:
        _give(uow, found, actor, note)
        return
    address = queries.return_address(uow.session, case.supplier_id)
    if address is None:
        raise rules.NoReturnAddress()
    shown = ("recipient", "phone", "region_code", "detail")
    return_to = {name: getattr(address, name) for name in shown}
    become(uow, case, rules.AWAITING_RETURN, actor, note, return_to=return_to)
    tell_member(
        uow, case, "商家同意退货，请寄回商品", "Your return is accepted; send the goods back"
    )


def _give(uow: UnitOfWork, found: Locked, actor: str, note: str) -> None:
    """Give what a case is about: the money, or other goods."""
    if found[2].kind == rules.EXCHANGE:
        _replace(uow, found, actor, note)
    else:
        _refund(uow, found, actor, note)


def _refund(
    uow: UnitOfWork, found: Locked, actor: str, note: str, amount_fen: int | None = None
) -> None:
    part, line, case = found
    if amount_fen not in (None, case.amount_fen):
        # For a part of the money the goods are kept, or still sent.
        release(line, case)
    elif case.is_unsent and not case.held and line.to_dispatch >= case.quantity:
        # It had been refused and was free to leave, but did not.
        line.held_quantity += case.quantity
        case.held = case.quantity
    elif case.is_unsent and not case.held:
        # It had been refused and has left meanwhile: these units cannot be asked about again.
        case.is_unsent = False
    unsent = case.held
    supplier_sent = any(
        each.dispatched_quantity for each in dispatch_service.lines_of_supplier(uow, part)
    )
    is_fault = rules.REASONS[case.reason].is_suppliers_fault
    back = GivingBack(
        line_id=case.order_line_id,
        amount_fen=amount_fen or case.amount_fen,
        reference=f"case:{case.id}",
        unsent=unsent,
        with_freight=is_fault or not supplier_sent,
        units=case.quantity,
    )
    went = reimbursing.reimburse(uow, case.order_id, back, actor)
    changes = {"refunded_fen": went.amount_fen, "freight_fen": went.freight_fen, "held": 0}
    become(uow, case, rules.REFUNDED, actor, note, **changes)
    if unsent:
        voucher_service.revoke(uow, line.id, unsent)
        dispatch_service.take_out(uow, part, line, unsent)
    amount = yuan(went.amount_fen + went.freight_fen)
    tell_member(uow, case, f"售后退款 {amount} 元已办理", f"¥{amount} goes back to you")


def _replace(uow: UnitOfWork, found: Locked, actor: str, note: str) -> None:
    part, line, case = found
    try:
        stock_service.take_free(uow, case.sku_id, case.quantity, "exchange", f"case:{case.number}")
    except OutOfStock as error:
        raise rules.ExchangeSoldOut() from error
    again = dispatch_service.open_replacement(uow, part, line, case.id, case.quantity)
    become(uow, case, rules.REPLACED, actor, note, replacement_id=again.id)
    tell_member(uow, case, "换货商品即将发出", "Other goods will be sent to you")


def reject(uow: UnitOfWork, case_id: UUID, actor: str, note: str) -> AfterSalesCase:
    """Refuse a request, or goods that came back not as they should; the member may appeal."""
    _, line, case = asking.lock(uow, case_id)
    become(uow, case, rules.REJECTED, actor, note)
    release(line, case)
    tell_member(
        uow, case, "商家拒绝了售后申请，您可以申诉", "Your request was refused; you may appeal"
    )
    return case


def receive(uow: UnitOfWork, case_id: UUID, actor: str, note: str) -> AfterSalesCase:
    """Record that returned goods have come; they are looked at next."""
    *_, case = asking.lock(uow, case_id)
    become(uow, case, rules.RECEIVED, actor, note, received_at=uow.now)
    return case


def accept_goods(
    uow: UnitOfWork, case_id: UUID, actor: str, restocked: int, refund_instead: bool
) -> AfterSalesCase:
    """Find returned goods as they should be: refund or replace them, and put some on the shelf.

    Raises ExchangeSoldOut, WrongState, and Invalid beyond the units of the case.
    """
    found = asking.lock(uow, case_id)
    case = found[2]
    if case.state != rules.RECEIVED:
        raise rules.STATES.refusal(case.state, rules.REFUNDED)
    if restocked > case.quantity:
        raise Invalid("restocked", "restocked_too_many", most=case.quantity)
    if refund_instead:
        _refund(uow, found, actor, "")
    else:
        _give(uow, found, actor, "")
    if restocked:
        stock_service.adjust(uow, case.sku_id, restocked, "return", f"case:{case.number}")
    return case


@dataclass(frozen=True)
class Verdict:
    """What an operator decides about an appeal: dismissed, granted, or a part of the money."""

    is_granted: bool
    note: str
    amount_fen: int | None = None


def arbitrate(uow: UnitOfWork, case_id: UUID, actor: str, verdict: Verdict) -> AfterSalesCase:
    """Decide an appeal; an exchange of which nothing is left is refunded.

    Raises WrongState, AmountTooHigh.
    """
    found = asking.lock(uow, case_id)
    case, note = found[2], verdict.note
    if case.state != rules.APPEALED:
        raise rules.STATES.refusal(case.state, rules.DISMISSED)
    if not verdict.is_granted:
        become(uow, case, rules.DISMISSED, actor, note)
        tell_member(uow, case, "平台驳回了申诉", "Your appeal was dismissed")
    elif verdict.amount_fen is not None:
        amount_fen = rules.check_amount(verdict.amount_fen, case.amount_fen)
        _refund(uow, found, actor, note, amount_fen)
    else:
        _agree_anyhow(uow, found, actor, note)
    asking.tell_supplier(uow, case, "平台已裁决售后申诉", "An after-sales appeal was decided")
    return case


def _agree_anyhow(uow: UnitOfWork, found: Locked, actor: str, note: str) -> None:
    """Agree, and where that cannot be done as asked, give the money."""
    try:
        _agree(uow, found, actor, note)
    except (rules.ExchangeSoldOut, rules.NoReturnAddress):
        _refund(uow, found, actor, note)


def decide_by_silence(uow: UnitOfWork, case_id: UUID) -> bool:
    """Let silence decide a case whose time is over; False where somebody was faster."""
    found = asking.lock(uow, case_id)
    _, line, case = found
    if case.due_at is None or case.due_at > uow.now:
        return False
    if case.state in (rules.REQUESTED, rules.RECEIVED):
        _agree_anyhow(uow, found, rules.SILENCE, "逾期未处理，自动同意")
    elif case.state == rules.IN_RETURN:
        note = "逾期未确认，视为收到"
        become(uow, case, rules.RECEIVED, rules.SILENCE, note, received_at=uow.now)
        _agree_anyhow(uow, found, rules.SILENCE, "逾期未处理，自动同意")
    else:
        become(uow, case, rules.LAPSED, rules.SILENCE, "逾期未处理，自动关闭")
        release(line, case)
    return True


def close_with_orders(uow: UnitOfWork, messages: Sequence[OrderCancelled]) -> None:
    """Close what was asked about orders that were cancelled as a whole; again changes nothing."""
    for order_id in sorted({UUID(message.order_id) for message in messages}):
        for each in queries.open_of_order(uow.session, order_id):
            _, line, case = asking.lock(uow, each.id)
            if rules.WITHDRAWN in rules.STATES.table[case.state]:
                become(uow, case, rules.WITHDRAWN, rules.SILENCE, "订单已取消")
                release(line, case)
