"""What one operator proposes about an account, and another person decides."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mall.access import queries as access_queries
from mall.access import rules as access_rules
from mall.access import service as access_service
from mall.access.models import StaffAccount, StaffChange
from mall.access.service import NewStaff
from mall.access.staff.service import invitations
from mall.access.staff.service.invitations import Invitation
from mall.kernel.db import check_limit
from mall.kernel.errors import NotFound, WrongState
from mall.kernel.ids import new_id
from mall.kernel.text import wording
from mall.kernel.uow import UnitOfWork

OPEN, DUTIES, INVITE = "open", "duties", "invite"
PROPOSED, CONFIRMED, REJECTED = "proposed", "confirmed", "rejected"
MAX_OPEN, MAX_ACCOUNTS = 500, 200


@dataclass(frozen=True)
class Decided:
    """A change after its decision, with the invitation that it gave."""

    change: StaffChange
    invitation: Invitation | None = None


def needs_confirmation(uow: UnitOfWork) -> bool:
    """Tell whether there are two operators with accounts: the command line opens them alone."""
    return len(access_queries.operators(uow.session, access_rules.ACCOUNTS)) >= 2


def propose_open(uow: UnitOfWork, new: NewStaff, by: UUID | None) -> StaffChange:
    """Propose an account of a new user name; raise Invalid, UsernameTaken and LimitReached."""
    access_service.check(new)
    taken = select(StaffAccount.id).where(StaffAccount.username == new.username)
    if uow.session.scalars(taken).first() is not None:
        raise access_rules.UsernameTaken("username")
    _check_room(uow, new)
    return _propose(uow, OPEN, None, new, by)


def propose_duties(
    uow: UnitOfWork, account_id: UUID, duties: Sequence[str], by: UUID
) -> StaffChange:
    """Propose other duties for an operator; raise NotFound, and NotYourself for one's own."""
    account = _other(uow, account_id, by)
    if account.role != access_rules.OPERATOR:
        raise NotFound("operator")
    new = _as_new(account, duties)
    access_service.check(new)
    return _propose(uow, DUTIES, account.id, new, by)


def propose_invitation(uow: UnitOfWork, account: StaffAccount, by: UUID | None) -> StaffChange:
    """Propose a new invitation for an account; raise NotYourself for one's own."""
    if by is not None:
        _other(uow, account.id, by)
    return _propose(uow, INVITE, account.id, _as_new(account, account.duties), by)


def _as_new(account: StaffAccount, duties: Sequence[str]) -> NewStaff:
    about = (account.username, account.display_name, None, account.role, account.scope_id)
    return NewStaff(*about, tuple(duties), account.phone)


def _other(uow: UnitOfWork, account_id: UUID, by: UUID) -> StaffAccount:
    account = access_service.get_account(uow, account_id)
    actor = access_queries.actor(uow.session, by)
    if actor.is_same_person(access_queries.person_of(account)):
        raise access_rules.NotYourself()
    return account


def _check_room(uow: UnitOfWork, new: NewStaff) -> None:
    mine = StaffAccount.role == new.role, StaffAccount.scope_id.is_not_distinct_from(new.scope_id)
    count = select(func.count()).select_from(StaffAccount).where(*mine)
    check_limit(uow.session, ("staff_account", new.scope_id), count, MAX_ACCOUNTS)


def _propose(
    uow: UnitOfWork, kind: str, account_id: UUID | None, new: NewStaff, by: UUID | None
) -> StaffChange:
    waiting = select(func.count()).select_from(StaffChange).where(StaffChange.state == PROPOSED)
    check_limit(uow.session, ("staff_change", None), waiting, MAX_OPEN)
    change = StaffChange(
        id=new_id(),
        kind=kind,
        state=PROPOSED,
        account_id=account_id,
        username=new.username,
        display_name=new.display_name,
        role=new.role,
        scope_id=new.scope_id,
        duties=list(new.duties),
        phone=new.phone,
        proposed_by_id=by,
        proposed_at=uow.now,
    )
    uow.session.add(change)
    uow.session.flush()
    return change


def confirm(uow: UnitOfWork, change_id: UUID, by: UUID) -> Decided:
    """Carry a change out; raise NotFound, WrongState, SamePerson, NotYourself, UsernameTaken.

    Raises PersonUnconfirmed where the setting asks for it. Whoever confirms is neither the person who proposed it nor the person whom it is about.
    """
    change = _lock(uow, change_id)
    actor = access_queries.actor(uow.session, by)
    proposers = [
        access_queries.actor(uow.session, each) for each in [change.proposed_by_id] if each
    ]
    access_rules.check_other_person(actor, proposers)
    if uow.settings.persons_confirmed:
        access_rules.check_confirmed([actor, *proposers])
    if change.phone is not None and change.phone == actor.phone:
        raise access_rules.NotYourself()
    decided = _decide(uow, change, CONFIRMED, by)
    if change.kind == OPEN:
        new = NewStaff(
            change.username,
            change.display_name,
            None,
            change.role,
            change.scope_id,
            tuple(change.duties),
            change.phone,
        )
        _check_room(uow, new)
        account = access_service.add_staff_account(uow, new)
        change.account_id = account.id
    else:
        assert change.account_id is not None
        account = _other(uow, change.account_id, by)
    if change.kind == DUTIES:
        account.duties = list(change.duties)
        return decided
    return Decided(change, invitations.issue(uow, account, f"ops:{by}"))


def reject(uow: UnitOfWork, change_id: UUID, by: UUID) -> Decided:
    """Turn a change down, or take one's own back; raise NotFound and WrongState."""
    change = _lock(uow, change_id)
    # Who takes back what is one's own decides nothing.
    return _decide(uow, change, REJECTED, None if change.proposed_by_id == by else by)


def _lock(uow: UnitOfWork, change_id: UUID) -> StaffChange:
    change = uow.session.get(StaffChange, change_id, with_for_update=True)
    if change is None:
        raise NotFound("account change")
    if change.state != PROPOSED:
        raise WrongState(state=wording.name("staff_change", change.state))
    return change


def _decide(uow: UnitOfWork, change: StaffChange, state: str, by: UUID | None) -> Decided:
    change.state, change.decided_by_id, change.decided_at = state, by, uow.now
    uow.session.flush()
    return Decided(change)


def waiting(session: Session, state: str, cursor: UUID | None, limit: int) -> list[StaffChange]:
    """Return changes of a state, newest first, one more than `limit` if there are more."""
    query = select(StaffChange).where(StaffChange.state == state)
    if cursor is not None:
        query = query.where(StaffChange.id < cursor)
    return list(session.scalars(query.order_by(StaffChange.id.desc()).limit(limit + 1)))
