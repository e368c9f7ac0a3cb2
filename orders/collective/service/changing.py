"""Somebody is added to an approved programme or withdrawn from it: two officers, one document."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from mall.approvals.rules import CHANGE, ROSTER, Subject
from mall.approvals.service import authors
from mall.kernel.errors import NotFound
from mall.kernel.ids import new_id
from mall.kernel.uow import UnitOfWork
from mall.ledger.service import funds, wallet
from mall.members.rosters import queries as roster_queries
from mall.members.rosters.rules import Listed
from orders.collective import rules
from orders.collective.models import ProgrammeChange
from orders.collective.service import funding
from orders.entitlements import queries as entitlement_queries
from orders.entitlements import rules as entitlement_rules
from orders.entitlements import service as entitlement_service
from orders.programmes import queries as programme_queries
from orders.programmes import rules as programme_rules
from orders.programmes.models import Programme
from orders.programmes.service import history, lifecycle
from orders.programmes.service.history import Step
from orders.programmes.service.lifecycle import Officer


def propose_addition(
    uow: UnitOfWork, officer: Officer, programme_id: UUID, entry_id: UUID, reason: str
) -> ProgrammeChange:
    """Propose to add somebody of a roster; raises AlreadyListed, NotFound, WrongState."""
    programme = _changeable(uow, officer, programme_id)
    entry = roster_queries.get_entry(uow.session, programme.union_id, entry_id)
    _check_new(uow.session, programme, entry)
    row = _proposed(uow, officer, programme, rules.ADD, (entry.name, reason))
    row.entry_id = entry_id
    return _keep(uow, row, officer)


def propose_withdrawal(
    uow: UnitOfWork, officer: Officer, programme_id: UUID, entitlement_id: UUID, reason: str
) -> ProgrammeChange:
    """Propose to withdraw somebody's unused right; raises AlreadyRedeemed, NotFound, WrongState."""
    programme = _changeable(uow, officer, programme_id)
    right = entitlement_queries.get_of_programme(uow.session, programme.id, entitlement_id)
    if right.state not in (
        entitlement_rules.LISTED,
        entitlement_rules.WAITING,
        entitlement_rules.OPEN,
    ):
        raise entitlement_rules.AlreadyRedeemed("entitlement_id")
    row = _proposed(uow, officer, programme, rules.WITHDRAW, (right.name, reason))
    row.entitlement_id = entitlement_id
    return _keep(uow, row, officer)


def _changeable(uow: UnitOfWork, officer: Officer, programme_id: UUID) -> Programme:
    programme = programme_queries.lock_of_union(uow, officer.union_id, programme_id)
    if programme.state not in rules.CHANGEABLE:
        raise programme_rules.STATES.refusal(programme.state, "change")
    return programme


def _check_new(session: Session, programme: Programme, entry: Listed) -> None:
    if entitlement_queries.is_listed(session, programme.id, entry.id, entry.member_id):
        raise rules.AlreadyListed("entry_id")


def _proposed(
    uow: UnitOfWork, officer: Officer, programme: Programme, kind: str, about: tuple[str, str]
) -> ProgrammeChange:
    name, reason = about
    return ProgrammeChange(
        id=new_id(),
        programme_id=programme.id,
        kind=kind,
        state=rules.PROPOSED,
        name=name,
        reason=reason,
        proposed_by=officer.id,
        proposed_at=uow.now,
    )


def _keep(uow: UnitOfWork, row: ProgrammeChange, officer: Officer) -> ProgrammeChange:
    uow.session.add(row)
    uow.session.flush()
    authors.touch(uow, Subject(CHANGE, row.id), lifecycle.signer_of(uow, officer))
    return row


def decide(
    uow: UnitOfWork, officer: Officer, programme_id: UUID, change_id: UUID, is_approved: bool
) -> ProgrammeChange:
    """Apply a proposed change or reject it; never one's own.

    Head-count and budget change with it. Who is added is issued to as soon as the fund covers it;
    what is withdrawn goes back to the fund. Raises OwnProgramme, AlreadyRedeemed where the right
    was used meanwhile, AlreadyOrdered, WrongState.
    """
    programme = _changeable(uow, officer, programme_id)
    row = uow.session.get(ProgrammeChange, change_id, with_for_update=True, populate_existing=True)
    if row is None or row.programme_id != programme.id:
        raise NotFound("change")
    rules.CHANGE_STATES.check(row.state, rules.APPLIED)
    _check_other(uow, officer, row)
    row.state = rules.APPLIED if is_approved else rules.REJECTED
    row.decided_by, row.decided_at = officer.id, uow.now
    if is_approved:
        (_add if row.kind == rules.ADD else _withdraw)(uow, programme, row)
    details = {"change_id": str(row.id), "kind": row.kind, "head_count": programme.head_count}
    act = "change_applied" if is_approved else "change_rejected"
    history.append(uow, programme, Step(officer.signature, act, row.reason, details))
    if is_approved:
        funding.settle(uow, programme)
    return row


def _check_other(uow: UnitOfWork, officer: Officer, row: ProgrammeChange) -> None:
    """Raise OwnProgramme for who proposed it, or wrote since into the roster somebody is added from."""
    parts = []
    if row.entry_id is not None:
        parts = [Subject(ROSTER, roster_queries.roster_of_entry(uow.session, row.entry_id))]
    signer = lifecycle.signer_of(uow, officer)
    authors.decide(uow, Subject(CHANGE, row.id), signer, parts, programme_rules.OwnProgramme)


def _add(uow: UnitOfWork, programme: Programme, row: ProgrammeChange) -> None:
    assert row.entry_id is not None
    entry = roster_queries.get_entry(uow.session, programme.union_id, row.entry_id)
    _check_new(uow.session, programme, entry)
    position = entitlement_queries.last_position(uow.session, programme.id) + 1
    entitlement_service.add_recipient(uow, lifecycle.listing_of(programme), entry, position)
    _resize(uow, programme, 1)


def _withdraw(uow: UnitOfWork, programme: Programme, row: ProgrammeChange) -> None:
    assert row.entitlement_id is not None
    right = entitlement_service.lock(uow, row.entitlement_id)
    if right.order_id is not None and right.state in (
        entitlement_rules.OPEN,
        entitlement_rules.WAITING,
    ):
        raise rules.AlreadyOrdered("change_id")
    if right.lot_id is not None and not wallet.is_untouched(uow.session, right.lot_id):
        raise entitlement_rules.AlreadyRedeemed("change_id")
    entitlement_service.withdraw(uow, right)
    if right.lot_id is not None:
        funds.return_lots(uow, [right.lot_id], programme.id, f"withdraw:{right.id}")
    _resize(uow, programme, -1)


def _resize(uow: UnitOfWork, programme: Programme, by: int) -> None:
    programme.head_count += by
    programme.budget_fen += by * programme.per_member_fen
    uow.session.flush()


def changes(session: Session, programme_id: UUID) -> list[ProgrammeChange]:
    """Return every change of a programme, oldest first."""
    query = select(ProgrammeChange).where(ProgrammeChange.programme_id == programme_id)
    return list(session.scalars(query.order_by(ProgrammeChange.id)))
