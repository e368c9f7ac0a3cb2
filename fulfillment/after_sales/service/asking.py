"""A member asks for after-sales, sends back, appeals, gives up."""

from typing import Any
from uuid import UUID

from sqlalchemy import select

from fulfillment.after_sales import queries, rules
from fulfillment.after_sales.models import AfterSalesCase, AfterSalesEvent, ReturnAddress
from fulfillment.after_sales.rules import Limits, Request, Units
from fulfillment.dispatch import queries as dispatch_queries
from fulfillment.dispatch import rules as dispatch_rules
from fulfillment.dispatch import service as dispatch_service
from fulfillment.dispatch.models import FulfillmentLine, FulfillmentOrder
from fulfillment.shipments import rules as shipment_rules
from mall.access.rules import OPS, STORE, SUPPLIER, UNION
from mall.kernel.db import hold_turn
from mall.kernel.ids import new_id, new_number
from mall.kernel.text import wording
from mall.kernel.uow import UnitOfWork
from mall.members import queries as member_queries
from mall.members.rules import AddressForm, clean_phone
from mall.notification.rules import NewNotice
from mall.notification.service import staff_notices
from orders.checkout.rules import ChooseAnew
from orders.order import queries as order_queries
from orders.order import rules as order_rules
from orders.order import service as order_service
from orders.order.queries import SoldLine
from orders.refunds.service import reimbursing

Locked = tuple[FulfillmentOrder, FulfillmentLine, AfterSalesCase]


def limits(uow: UnitOfWork) -> Limits:
    """Return how long each side has."""
    found = uow.settings.after_sales
    return Limits(
        found.decide_seconds, found.send_back_seconds, found.inspect_seconds, found.appeal_seconds
    )


def request(uow: UnitOfWork, member_id: UUID, order_id: UUID, asked: Request) -> Locked:
    """Open a case about units of one's own order; return it with its part and line, locked.

    The order is locked: what is asked twice at once is taken once. Raises NotFound, WrongState,
    NotSplitYet, NothingToAsk, NotSentYet, TooLate, AmountTooHigh, and ChooseAnew for what a right
    pays and has not left.
    """
    order_queries.order_of_member(uow.session, order_id, member_id)
    order = order_service.lock(uow, order_id)
    if order.state not in (order_rules.PAID, order_rules.COMPLETED):
        raise order_rules.STATES.refusal(order.state, "after_sales")
    line = order_queries.sold_line(uow.session, order_id, asked.line_id)
    part, goods, which = _units(uow, asked)
    is_unsent = which != rules.SENT
    if not is_unsent:
        # What came instead has a time of its own, from its own arrival on.
        came_at = part.delivered_at and dispatch_queries.last_delivered_at(uow.session, line.id)
        rules.check_window(came_at, uow.now, uow.settings.after_sales.window)
    left, is_by_right = reimbursing.left_of_line(uow.session, order_id, line.id)
    if which == rules.ORIGINAL and is_by_right:
        raise ChooseAnew()
    most = min(asked.quantity * line.price_fen, left)
    if most == 0:
        raise rules.NothingToAsk("quantity", left=0)
    # Units that never left go back at what they cost, not at a part of it.
    wanted = None if is_unsent else asked.amount_fen
    case = _case(uow, asked, line, part)
    case.amount_fen = rules.check_amount(wanted, most)
    case.is_unsent, case.held = is_unsent, asked.quantity if is_unsent else 0
    goods.held_quantity += case.held
    case.due_at = limits(uow).due(rules.REQUESTED, uow.now)
    uow.session.add(case)
    _note(
        uow, case, None, f"member:{member_id}", wording.name("after_sales_reason", asked.reason).zh
    )
    tell_supplier(uow, case, "有新的售后申请，请处理", "There is a new after-sales request")
    return part, goods, case


def _units(uow: UnitOfWork, asked: Request) -> tuple[FulfillmentOrder, FulfillmentLine, str]:
    """Return the part and the line, locked, whose units a request is about, and which they are."""
    part, goods = dispatch_service.lock_line(uow, asked.line_id)
    replacing = dispatch_queries.replacements_of(uow.session, asked.line_id)
    claimed = queries.claimed_sent(uow.session, asked.line_id)
    claimed += sum(each.quantity - each.dispatched_quantity for each in replacing)
    units = Units(
        goods.to_dispatch,
        goods.dispatched_quantity,
        claimed,
        tuple(each.to_dispatch for each in replacing),
    )
    which = rules.units_for(asked, units)
    if which == rules.REPLACING:
        chosen = next(each for each in replacing if each.to_dispatch >= asked.quantity)
        part, goods = dispatch_service.lock_line_of_part(
            uow, asked.line_id, chosen.fulfillment_order_id
        )
    return part, goods, which


def _case(
    uow: UnitOfWork, asked: Request, line: SoldLine, part: FulfillmentOrder
) -> AfterSalesCase:
    return AfterSalesCase(
        id=new_id(),
        number=new_number("S", uow.now),
        order_line_id=line.id,
        fulfillment_order_id=part.id,
        **{name: value for name, value in vars(line).items() if name not in ("id", "price_fen")},
        kind=asked.kind,
        reason=asked.reason,
        description=asked.description,
        photos=list(asked.photos),
        needs_return=asked.needs_return,
        quantity=asked.quantity,
        state=rules.REQUESTED,
        created_at=uow.now,
    )


def become(
    uow: UnitOfWork, case: AfterSalesCase, state: str, actor: str, note: str, **changes: Any
) -> None:
    """Move a locked case to a state, with its deadline, its history and what changes with it.

    Raises WrongState.
    """
    rules.STATES.check(case.state, state)
    before = case.state
    for name, value in changes.items():
        setattr(case, name, value)
    case.state = state
    case.due_at = limits(uow).due(state, uow.now)
    case.closed_at = uow.now if state in rules.ENDED else None
    _note(uow, case, before, actor, note)


def _note(uow: UnitOfWork, case: AfterSalesCase, before: str | None, actor: str, note: str) -> None:
    uow.session.flush()
    uow.session.add(
        AfterSalesEvent(
            id=new_id(),
            case_id=case.id,
            happened_at=uow.now,
            actor=actor,
            from_state=before,
            to_state=case.state,
            note=note,
        )
    )
    uow.session.flush()


def lock(uow: UnitOfWork, case_id: UUID) -> Locked:
    """Lock what a decision touches: order, its part, and the case, in this order."""
    case = queries.any_case(uow.session, case_id)
    order_service.lock(uow, case.order_id)
    part, line = dispatch_service.lock_line_of_part(
        uow, case.order_line_id, case.fulfillment_order_id
    )
    locked = uow.session.scalars(
        select(AfterSalesCase)
        .where(AfterSalesCase.id == case_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    return part, line, locked


def release(line: FulfillmentLine, case: AfterSalesCase) -> None:
    """Let the units of a case leave again."""
    line.held_quantity -= case.held
    case.held = 0


def withdraw(uow: UnitOfWork, member_id: UUID, case_id: UUID) -> AfterSalesCase:
    """Give up one's own case before the goods are on their way back; again changes nothing."""
    queries.case_of_member(uow.session, case_id, member_id)
    _, line, case = lock(uow, case_id)
    if case.state != rules.WITHDRAWN:
        become(uow, case, rules.WITHDRAWN, f"member:{member_id}", "")
        release(line, case)
    return case


def send_back(
    uow: UnitOfWork, member_id: UUID, case_id: UUID, carrier: str, tracking_no: str | None
) -> AfterSalesCase:
    """Record how goods are on their way back; raises WrongState and Invalid."""
    number = shipment_rules.clean_number(carrier, tracking_no)
    queries.case_of_member(uow.session, case_id, member_id)
    *_, case = lock(uow, case_id)
    note = f"{shipment_rules.CARRIERS[carrier].wording.zh} {number or ''}".strip()
    sent = {"return_carrier": carrier, "return_tracking_no": number}
    become(uow, case, rules.IN_RETURN, f"member:{member_id}", note, **sent)
    tell_supplier(uow, case, "退货已寄出，请注意查收", "Goods are on their way back")
    return case


def appeal(uow: UnitOfWork, member_id: UUID, case_id: UUID, note: str) -> AfterSalesCase:
    """Ask an operator to decide about a case that the supplier refused; raises WrongState."""
    queries.case_of_member(uow.session, case_id, member_id)
    *_, case = lock(uow, case_id)
    become(uow, case, rules.APPEALED, f"member:{member_id}", note)
    notice = _notice(
        case, OPS, None, "会员对售后结果提出申诉", "A member appeals an after-sales case"
    )
    staff_notices.notify(uow, [notice])
    return case


def set_return_address(uow: UnitOfWork, supplier_id: UUID, form: AddressForm) -> ReturnAddress:
    """Say where goods are to be returned to; raises Invalid."""
    member_queries.check_region(uow.session, form.region_code, "region_code")
    values: dict[str, Any] = {
        "recipient": form.recipient,
        "phone": clean_phone(form.phone),
        "region_code": form.region_code,
        "detail": form.detail,
    }
    hold_turn(uow.session, "return_address", supplier_id)
    found = queries.return_address(uow.session, supplier_id)
    if found is None:
        found = ReturnAddress(supplier_id=supplier_id, **values)
        uow.session.add(found)
    for name, value in values.items():
        setattr(found, name, value)
    uow.session.flush()
    return found


def tell_supplier(uow: UnitOfWork, case: AfterSalesCase, zh: str, en: str) -> None:
    """Leave a notice about a case with its supplier."""
    staff_notices.notify(uow, [_notice(case, SUPPLIER, case.supplier_id, zh, en)])


def tell_member(uow: UnitOfWork, case: AfterSalesCase, zh: str, en: str) -> None:
    """Leave a notice about a case with its member, or with the union whose order it is of."""
    part = uow.session.get_one(FulfillmentOrder, case.fulfillment_order_id)
    audience = UNION if part.delivery_mode == dispatch_rules.UNIT else STORE
    staff_notices.notify(uow, [_notice(case, audience, case.member_id, zh, en)])


def _notice(
    case: AfterSalesCase, audience: str, scope_id: UUID | None, zh: str, en: str
) -> NewNotice:
    return NewNotice(
        audience,
        scope_id,
        "after_sales",
        f"case:{case.id}:{case.state}",
        f"{zh}：{case.title}（{case.number}）。",
        f"{en}: {case.title} ({case.number}).",
    )
