"""Issue a programme chunk by chunk; what goes to the unit is ordered in bulk (docs/adr/0012)."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select

from catalog.stock import queries as stock
from mall.kernel import clock
from mall.kernel.clock import beijing_day
from mall.kernel.ids import new_id
from mall.kernel.uow import UnitOfWork
from mall.ledger import funds
from mall.ledger.funds import NewLot
from orders.checkout import service as checkout
from orders.checkout.service import Prepaid
from orders.collective import rules
from orders.collective.funding import SYSTEM
from orders.entitlements import rules as right_rules
from orders.entitlements import service as rights
from orders.messages import RightsIssued
from orders.programmes import chain, queries, service
from orders.programmes import rules as programme_rules
from orders.programmes.models import Programme
from orders.programmes.service import Officer
from orders.redeeming import rules as redeeming

RETRY = timedelta(minutes=10)


def begin(uow: UnitOfWork, officer: Officer, programme_id: UUID) -> None:
    """Begin to issue a funded programme; workers do it in chunks. Raises WrongState."""
    programme = queries.lock(uow, officer.union_id, programme_id)
    programme.due_at = uow.now
    service.step(uow, programme, officer.signature, programme_rules.ISSUING)


def due(uow: UnitOfWork) -> Programme | None:
    """Lock the running programme that waits longest, skipping those being worked on."""
    return uow.session.scalars(
        select(Programme)
        .where(
            Programme.state.in_((programme_rules.ISSUING, programme_rules.ACTIVE)),
            Programme.due_at <= uow.now,
        )
        .order_by(Programme.due_at)
        .limit(1)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).first()


def issue_chunk(uow: UnitOfWork, programme: Programme, limit: int = rules.CHUNK) -> int:
    """Issue to as many as fit one transaction, and return to how many; none: nobody is due now.

    Raises FundShort where the fund does not cover the chunk; then nobody of it is served.
    """
    is_unit = programme.delivery == programme_rules.UNIT
    if is_unit:
        # One order for everybody, as far as one order goes.
        limit = rules.MAX_UNIT_ORDER
    taken = rights.take_listed(uow, programme.id, beijing_day(uow.now), limit)
    if not taken:
        return 0
    terms = queries.terms_of(programme)
    reference = f"issue:{programme.id}:{taken[0].id}"
    lot_ids: list[UUID | None]
    if is_unit:
        # Paid from one lot that the programme itself owns.
        total = sum(each.amount_fen for each in taken)
        lots = [NewLot(new_id(), programme.id, total)]
        lot_ids = [None for _ in taken]
    else:
        lots = [NewLot(new_id(), each.member_id or each.id, each.amount_fen) for each in taken]
        lot_ids = [lot.id for lot in lots]
    funds.issue(uow, programme.id, terms, lots, reference)
    rights.mark_issued(uow, taken, lot_ids, programme.allows_codes)
    if is_unit:
        pack_id = programme.pack_ids[0]
        ids = [each.id for each in taken]
        order_for_unit(uow, programme, pack_id, ids, [(lots[0].id, lots[0].amount_fen)])
    uow.emit(RightsIssued(str(programme.id), uow.now.isoformat()))
    return len(taken)


def order_for_unit(
    uow: UnitOfWork,
    programme: Programme,
    pack_id: UUID,
    entitlement_ids: Sequence[UUID],
    lots: Sequence[tuple[UUID, int]],
) -> UUID:
    """Order so many packs for the union, paid from lots that the programme owns.

    Raises LinesUnavailable and OutOfStock; then nothing is kept.
    """
    wanted = redeeming.wanted_of_pack(queries.pack_of(programme, pack_id), len(entitlement_ids))
    offers = stock.offers(uow.session, [each.sku_id for each in wanted])
    lines = redeeming.lines_of(wanted, offers, programme_rules.UNIT)
    order_id = new_id()
    prepaid = Prepaid(
        owner_id=programme.id,
        member_id=programme.union_id,
        programme_id=programme.id,
        address=programme.unit_address,
        note=f"{programme.name} {programme.number}",
        union_id=programme.union_id,
    )
    checkout.place_prepaid(uow, order_id, redeeming.quote(lines, lots), prepaid)
    uow.send()
    rights.mark(uow, entitlement_ids, order_id=order_id, pack_id=pack_id)
    return order_id


def end_run(uow: UnitOfWork, programme: Programme) -> None:
    """Note that nobody of a locked programme is due any more today: it is active."""
    if programme.state == programme_rules.ISSUING:
        programme.active_at = uow.now
        service.step(uow, programme, SYSTEM, programme_rules.ACTIVE)
    programme.due_at = next_look(programme, uow.now)


def next_look(programme: Programme, now: datetime) -> datetime:
    """Return when a programme is looked at next: tomorrow in Beijing, or when it ends."""
    tomorrow = programme_rules.ends_at(beijing_day(now))
    return min(tomorrow, max(closes_at(programme), now + timedelta(seconds=1)))


def closes_at(programme: Programme) -> datetime:
    """Return when a programme is over: with its window, or with its beans."""
    is_beans = programme_rules.has_beans(programme.kind, programme.max_items)
    return programme_rules.ends_at(programme.expires_on if is_beans else programme.closes_on)


def postpone(uow: UnitOfWork, programme_id: UUID, why: str) -> None:
    """Put a programme off that cannot go on, and say why once."""
    programme = queries.lock(uow, None, programme_id)
    programme.due_at = uow.now + RETRY
    last = chain.last(uow.session, programme)
    if (last.act, last.note) != ("waiting", why):
        chain.append(uow, programme, SYSTEM, "waiting", why)


def claim_right(uow: UnitOfWork, entitlement_id: UUID, member_id: UUID) -> None:
    """Give what waits for somebody to the member who proved to be that person."""
    right = rights.lock(uow, entitlement_id)
    if right.state != right_rules.WAITING:
        return
    programme = queries.get_programme(uow.session, None, right.programme_id)
    lot_id = None
    if right.lot_id is not None:
        terms = queries.terms_of(programme)
        reference = f"claim:{right.id}"
        lot_id = funds.gather(uow, [right.lot_id], terms, member_id, reference)
    rights.claim(uow, right, member_id, lot_id)


def is_over(programme: Programme) -> bool:
    """Tell whether a programme's time is over, or an officer has ended it."""
    return programme.close_requested_at is not None or clock.now() >= closes_at(programme)
