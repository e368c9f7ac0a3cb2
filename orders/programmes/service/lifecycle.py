"""Write programmes, submit them, decide on them, withdraw them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from catalog.selections import service as selection_service
from mall.approvals.rules import PACK, PROGRAMME, ROSTER, SELECTION, Signer, Subject
from mall.approvals.service import authors
from mall.kernel.db import check_limit
from mall.kernel.errors import DomainError, Invalid, VersionConflict
from mall.kernel.ids import new_id, new_number
from mall.kernel.money import MAX_FEN
from mall.kernel.uow import UnitOfWork
from mall.ledger.service import funds, wallet
from mall.members.rosters import queries as roster_queries
from mall.members.rosters import rules as roster_rules
from orders.entitlements import service as entitlement_service
from orders.entitlements.service import Listing
from orders.programmes import queries, rules
from orders.programmes.models import Programme, UnionPolicy
from orders.programmes.rules import ProgrammeForm, Signature
from orders.programmes.service import assessing, history
from orders.programmes.service.history import Step

MAX_OPEN = 500


@dataclass(frozen=True)
class Officer:
    """Who acts for a union: the account, its name in the record, and the union."""

    id: UUID
    name: str
    union_id: UUID

    @property
    def signature(self) -> Signature:
        return Signature(f"union:{self.id}", self.name)


class StillFunded(DomainError):
    code = "still_funded"


def add_programme(uow: UnitOfWork, officer: Officer, form: ProgrammeForm) -> Programme:
    """Write a programme; it begins as a draft. Raises Invalid, NotFound, LimitReached."""
    rules.check_form(form)
    count = select(func.count()).select_from(Programme)
    count = count.where(Programme.union_id == officer.union_id)
    is_open = Programme.state.not_in((rules.ARCHIVED, rules.WITHDRAWN))
    check_limit(uow.session, ("programme", officer.union_id), count.where(is_open), MAX_OPEN)
    programme = Programme(
        id=new_id(),
        number=new_number("W", uow.now),
        union_id=officer.union_id,
        state=rules.DRAFT,
        version=1,
        head_count=0,
        budget_fen=0,
        warnings=[],
        event_count=0,
        last_hash=rules.GENESIS,
        created_at=uow.now,
    )
    _fill(uow, programme, form)
    uow.session.add(programme)
    uow.session.flush()
    authors.touch(uow, Subject(PROGRAMME, programme.id), signer_of(uow, officer))
    history.append(uow, programme, Step(officer.signature, "drafted"))
    return programme


def change_programme(
    uow: UnitOfWork,
    officer: Officer,
    programme_id: UUID,
    form: ProgrammeForm,
    version: int | None,
) -> None:
    """Change a draft or what was rejected, which becomes a draft again.

    Raises VersionConflict where somebody was faster, WrongState once it is submitted.
    """
    programme = queries.lock_of_union(uow, officer.union_id, programme_id)
    rules.check_form(form)
    if version is not None and version != programme.version:
        raise VersionConflict("If-Match")
    if programme.state != rules.DRAFT:
        rules.STATES.check(programme.state, rules.DRAFT)
    programme.state = rules.DRAFT
    programme.version += 1
    programme.content, programme.content_hash, programme.warnings = None, None, []
    authors.touch(uow, Subject(PROGRAMME, programme.id), signer_of(uow, officer))
    _fill(uow, programme, form)
    uow.session.flush()
    history.append(uow, programme, Step(officer.signature, "changed"))


def signer_of(uow: UnitOfWork, officer: Officer) -> Signer:
    """Return an officer as the person."""
    return authors.signed(uow, officer.id, officer.signature.actor, officer.name)


def _parts_of(programme: Programme) -> list[Subject]:
    """Return what a programme freezes: whoever touched it since its last approval is an author."""
    parts = [Subject(ROSTER, programme.roster_id)]
    parts += [Subject(PACK, each) for each in programme.pack_ids]
    if programme.selection_id is not None:
        parts.append(Subject(SELECTION, programme.selection_id))
    return parts


def _fill(uow: UnitOfWork, programme: Programme, form: ProgrammeForm) -> None:
    roster_queries.own_roster(uow.session, programme.union_id, form.roster_id)
    for name, value in vars(form).items():
        setattr(programme, name, list(value) if name == "pack_ids" else value)
    programme.unit_address = dict(form.unit_address) if form.unit_address else None
    programme.expires_on = form.expires_on or form.closes_on
    programme.head_count = programme.budget_fen = 0
    programme.selection_version = None
    if form.selection_id is not None:
        chosen = selection_service.visible_selection(
            uow.session, programme.union_id, form.selection_id
        )
        programme.selection_version = chosen.version


def submit(uow: UnitOfWork, officer: Officer, programme_id: UUID) -> Programme:
    """Freeze the roster and the content of a draft and hand it to the approvers.

    Raises ProgrammeRefused with everything that forbids it; what is to be judged becomes a
    warning. Raises WrongState, RosterNotReady.
    """
    programme = queries.lock_of_union(uow, officer.union_id, programme_id)
    rules.STATES.check(programme.state, rules.SUBMITTED)
    roster = roster_queries.own_roster(uow.session, programme.union_id, programme.roster_id)
    if roster.state in roster_rules.BUSY:
        raise roster_rules.RosterBusy("roster_id")
    listing = listing_of(programme)
    programme.head_count = entitlement_service.list_roster(uow, listing, programme.roster_id)
    if programme.head_count == 0:
        raise roster_rules.RosterNotReady("roster_id", name=roster.name)
    programme.budget_fen = programme.head_count * programme.per_member_fen
    if programme.budget_fen > MAX_FEN:
        raise Invalid("per_member_fen", "budget_too_large")
    programme.shown = assessing.shown_of(uow.session, programme)
    uow.session.flush()
    found = assessing.assess(uow.session, programme)
    if found.errors:
        raise rules.ProgrammeRefused(found.errors)
    programme.content, programme.content_hash = found.content, found.content_hash
    programme.warnings = [each.shown() for each in found.warnings]
    programme.state = rules.SUBMITTED
    uow.session.flush()
    whole = Subject(PROGRAMME, programme.id)
    authors.touch(uow, whole, signer_of(uow, officer))
    authors.take_in(uow, whole, _parts_of(programme))
    codes = [each.code for each in found.warnings]
    history.append(
        uow, programme, Step(officer.signature, "submitted", details={"warnings": codes})
    )
    return programme


def listing_of(programme: Programme) -> Listing:
    """Return how the recipients of a programme are listed."""
    return Listing(
        programme.id,
        programme.per_member_fen,
        programme.birthday,
        programme.opens_on,
        programme.closes_on,
    )


def approve(
    uow: UnitOfWork,
    officer: Officer,
    programme_id: UUID,
    content_hash: str,
    acknowledged: Sequence[str],
) -> Programme:
    """Approve what was submitted, exactly; from then on it is frozen.

    Raises OwnProgramme for who wrote or submitted it or what it freezes, ContentChanged where the content is not the
    one named or no longer what it was, WarningsUnseen, and ProgrammeRefused where it can no longer
    be.
    """
    programme = queries.lock_of_union(uow, officer.union_id, programme_id)
    rules.STATES.check(programme.state, rules.APPROVED)
    whole = Subject(PROGRAMME, programme.id)
    authors.decide(uow, whole, signer_of(uow, officer), refusal=rules.OwnProgramme)
    found = assessing.assess(uow.session, programme)
    if content_hash != programme.content_hash or found.content_hash != programme.content_hash:
        raise rules.ContentChanged("content_hash")
    if found.errors:
        raise rules.ProgrammeRefused(found.errors)
    warnings = [each.shown() for each in found.warnings]
    missing = rules.unseen([*programme.warnings, *warnings], acknowledged)
    if missing:
        raise rules.WarningsUnseen("acknowledged_warnings", codes="、".join(missing))
    programme.warnings = warnings
    if programme.selection_id is not None and rules.has_beans(programme.kind, programme.max_items):
        items = found.content["selection"]["items"]
        ids = [UUID(item["product_id"]) for item in items]
        programme.scope_id = wallet.create_scope(uow, f"{programme.name} {programme.number}", ids)
    funds.open_fund(uow, programme.id, programme.union_id, f"{programme.name} {programme.number}")
    programme.state, programme.approved_at = rules.APPROVED, uow.now
    uow.session.flush()
    authors.settle(uow, whole)
    details = {"acknowledged": sorted(acknowledged)}
    history.append(uow, programme, Step(officer.signature, "approved", details=details))
    return programme


def reject(uow: UnitOfWork, officer: Officer, programme_id: UUID, reason: str) -> None:
    """Send what was submitted back with a reason; raises OwnProgramme and WrongState."""
    programme = queries.lock_of_union(uow, officer.union_id, programme_id)
    rules.STATES.check(programme.state, rules.REJECTED)
    whole = Subject(PROGRAMME, programme.id)
    authors.decide(uow, whole, signer_of(uow, officer), refusal=rules.OwnProgramme)
    programme.state = rules.REJECTED
    uow.session.flush()
    history.append(uow, programme, Step(officer.signature, "rejected", reason))


def withdraw(uow: UnitOfWork, officer: Officer, programme_id: UUID, reason: str) -> None:
    """End a programme of which nothing was issued.

    Raises WrongState once it is being issued, and StillFunded while money is in it.
    """
    programme = queries.lock_of_union(uow, officer.union_id, programme_id)
    rules.STATES.check(programme.state, rules.WITHDRAWN)
    left = funds.balance(uow.session, programme.id)
    if left:
        raise StillFunded(balance_fen=left)
    programme.state = rules.WITHDRAWN
    uow.session.flush()
    history.append(uow, programme, Step(officer.signature, "withdrawn", reason))


def step(
    uow: UnitOfWork,
    programme: Programme,
    by: Signature,
    state: str,
    note: str = "",
) -> None:
    """Move a locked programme to its next state and sign that; raises WrongState."""
    rules.STATES.check(programme.state, state)
    programme.state = state
    uow.session.flush()
    history.append(uow, programme, Step(by, state, note))


def set_policy(uow: UnitOfWork, union_id: UUID, values: dict[str, Any]) -> None:
    """Say what a union allows itself; saying it again replaces it."""
    policy = uow.session.get(UnionPolicy, union_id, with_for_update=True)
    if policy is None:
        policy = UnionPolicy(union_id=union_id)
        uow.session.add(policy)
    for name, value in values.items():
        setattr(policy, name, value)
    policy.updated_at = uow.now
    uow.session.flush()
