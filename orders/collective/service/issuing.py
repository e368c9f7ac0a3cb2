"""Issue a programme chunk by chunk; what goes to the unit is ordered in bulk (docs/adr/0012)."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select

from catalog.stock import queries as stock_queries
from mall.kernel import clock
from mall.kernel.clock import beijing_day
from mall.kernel.ids import new_id
from mall.kernel.uow import UnitOfWork
from mall.ledger.service import funds
from mall.ledger.service.funds import NewLot
from orders.checkout import service as checkout_service
from orders.checkout.service import ProgrammeOrder
from orders.collective import rules
from orders.collective.service.funding import SYSTEM
from orders.entitlements import queries as entitlement_queries
from orders.entitlements import rules as entitlement_rules
from orders.entitlements import service as entitlement_service
from orders.entitlements.service import Chunk
from orders.messages import EntitlementsIssued
from orders.programmes import queries as programme_queries
from orders.programmes import rules as programme_rules
from orders.programmes.models import Programme
from orders.programmes.service import history, lifecycle
from orders.programmes.service.history import Step
from orders.programmes.service.lifecycle import Officer
from orders.redeeming import rules as redeeming_rules

RETRY = timedelta(minutes=10)


def begin(uow: UnitOfWork, officer: Officer, programme_id: UUID) -> None:
    """Begin to issue a funded programme; workers do it in chunks. Raises WrongState."""
    programme = programme_queries.lock_of_union(uow, officer.union_id, programme_id)
    programme.due_at = uow.now
    lifecycle.step(uow, programme, officer.signature, programme_rules.ISSUING)


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
        # Skipped, not waited for: another worker is issuing it.
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).first()


def issue_chunk(uow: UnitOfWork, programme: Programme, limit: int = rules.CHUNK) -> int:
    """Issue to as many as fit one transaction, and return to how many; none: nobody is due now.

    Raises FundShort where the fund does not cover the chunk; then nobody of it is served.
    """
    is_unit = programme.delivery == programme_rules.UNIT
    # One order of the unit for everybody, as far as one order goes.
    limit = rules.MAX_UNIT_ORDER if is_unit else limit
    # Birthdays are not in the order of the roster: there, each run looks at all of it.
    after = programme.issued_up_to if programme.birthday == entitlement_rules.NONE else 0
    chunk = entitlement_service.next_chunk(uow, programme.id, after, beijing_day(uow.now), limit)
    if chunk is None:
        return 0
    if is_unit:
        _issue_to_unit(uow, programme, chunk)
    else:
        given = entitlement_service.lots_of_chunk(uow, chunk, programme.allows_codes)
        # A reference for each chunk; that nobody is served twice is seen to by the entitlements'
        # states.
        terms, reference = programme_queries.terms_of(programme), f"issue:{programme.id}:{new_id()}"
        funds.issue_from(uow, programme.id, terms, given, reference)
    # Never back: with birthdays a chunk may end before the one before it did.
    programme.issued_up_to = max(programme.issued_up_to, chunk.up_to)
    return chunk.count


def _issue_to_unit(uow: UnitOfWork, programme: Programme, chunk: Chunk) -> None:
    """Order for a chunk of people at once, paid from one lot that the programme itself owns."""
    amounts = entitlement_service.issue_without_lots(uow, chunk)
    lot = NewLot(new_id(), programme.id, sum(amounts.values()))
    terms, reference = programme_queries.terms_of(programme), f"issue:{programme.id}:{lot.id}"
    funds.issue(uow, programme.id, terms, lot, reference)
    pack_id, ids = programme.pack_ids[0], list(amounts)
    order_for_unit(uow, programme, pack_id, ids, [(lot.id, lot.amount_fen)])


def order_for_unit(
    uow: UnitOfWork,
    programme: Programme,
    pack_id: UUID,
    entitlement_ids: Sequence[UUID],
    lots: Sequence[tuple[UUID, int]],
) -> None:
    """Order so many packs for the union, paid from lots that the programme owns.

    Raises LinesUnavailable and OutOfStock; then nothing is kept.
    """
    wanted = redeeming_rules.wanted_of_pack(
        programme_queries.pack_of(programme, pack_id), len(entitlement_ids)
    )
    offers = stock_queries.offers(uow.session, [each.sku_id for each in wanted])
    lines = redeeming_rules.lines_of(wanted, offers, programme_rules.UNIT)
    order_id = new_id()
    programme_order = ProgrammeOrder(
        owner_id=programme.id,
        member_id=programme.union_id,
        programme_id=programme.id,
        address=programme.unit_address,
        note=f"{programme.name} {programme.number}",
        union_id=programme.union_id,
    )
    checkout_service.defer_programme_order(
        uow, order_id, redeeming_rules.quote(lines, lots), programme_order
    )
    # Written first: what is marked now names this order.
    uow.write_deferred()
    entitlement_service.mark(uow, entitlement_ids, order_id=order_id, pack_id=pack_id)


def end_run(uow: UnitOfWork, programme: Programme) -> None:
    """Mark a locked programme active: nobody else is due today.

    Only now members are told: all of them at once, and nothing competes with the issue.
    """
    _tell(uow, programme)
    if programme.state == programme_rules.ISSUING:
        programme.active_at = uow.now
        lifecycle.step(uow, programme, SYSTEM, programme_rules.ACTIVE)
    programme.due_at = next_look(programme, uow.now)


def _tell(uow: UnitOfWork, programme: Programme) -> None:
    since = programme.told_at or programme.created_at
    for after in range(
        0, entitlement_queries.last_issued(uow.session, programme.id, since), rules.CHUNK
    ):
        uow.emit(
            EntitlementsIssued(str(programme.id), since.isoformat(), after, after + rules.CHUNK)
        )
    programme.told_at = uow.now


def next_look(programme: Programme, now: datetime) -> datetime:
    """Return when a programme is looked at next: tomorrow in Beijing, or when it ends."""
    tomorrow = programme_rules.ends_at(beijing_day(now))
    # Never in the past: a programme that is over and cannot be closed yet would be looked at
    # without end.
    return min(tomorrow, max(closes_at(programme), now + timedelta(seconds=1)))


def closes_at(programme: Programme) -> datetime:
    """Return when a programme is over: with its window, or with its beans."""
    is_beans = programme_rules.has_beans(programme.kind, programme.max_items)
    return programme_rules.ends_at(programme.expires_on if is_beans else programme.closes_on)


def postpone(uow: UnitOfWork, programme_id: UUID, why: str) -> None:
    """Postpone a programme that cannot go on, and write the reason into its history once."""
    programme = programme_queries.lock_any(uow, programme_id)
    programme.due_at = uow.now + RETRY
    _tell(uow, programme)
    last = programme_queries.last_event(uow.session, programme)
    # The same reason every ten minutes would bury all else in the history.
    if (last.act, last.note) != ("waiting", why):
        history.append(uow, programme, Step(SYSTEM, "waiting", why))


def claim_entitlement(uow: UnitOfWork, entitlement_id: UUID, member_id: UUID) -> None:
    """Give a waiting entitlement to the member who proved to be its person; its lot moves along."""
    entitlement = entitlement_service.lock(uow, entitlement_id)
    # Sign-in and issue may both get here, or its union was faster and withdrew it.
    if entitlement.state != entitlement_rules.WAITING:
        return
    programme = programme_queries.any_programme(uow.session, entitlement.programme_id)
    lot_id = None
    if entitlement.lot_id is not None:
        terms = programme_queries.terms_of(programme)
        reference = f"claim:{entitlement.id}"
        lot_id = funds.transfer_lots(uow, [entitlement.lot_id], terms, member_id, reference)
    entitlement_service.claim(uow, entitlement, member_id, lot_id)


def is_over(programme: Programme) -> bool:
    """Tell whether a programme's time is over, or an officer has ended it."""
    return programme.close_requested_at is not None or clock.now() >= closes_at(programme)
