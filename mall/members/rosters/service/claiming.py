"""A roster entry becomes a member's."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select

from mall.access import service as access_service
from mall.access.rules import at_most
from mall.kernel.text import canonical
from mall.kernel.uow import UnitOfWork
from mall.members.messages import RosterEntriesClaimed
from mall.members.models import TradeUnion
from mall.members.rosters import statements
from mall.members.rosters.models import Roster, RosterEntry

EMPLOYMENTS = at_most(5, timedelta(days=1), "employment")


def claim_by_phone(uow: UnitOfWork, member_id: UUID, phone: str) -> list[UUID]:
    """Give a member the entries of every roster with the phone that it verified."""
    query = select(RosterEntry.id).where(
        RosterEntry.phone == phone, RosterEntry.member_id.is_(None), RosterEntry.is_active
    )
    return _claim(uow, member_id, uow.session.scalars(query).all())


def claim_by_employment(
    uow: UnitOfWork, member_id: UUID, union_code: str, employee_no: str, name: str
) -> list[UUID] | None:
    """Give a member the entries of that number and name, where the union lets them be claimed so.

    Returns None where there is none, once the wrong try is counted: the caller commits, then
    refuses. Raises TooManyTries.
    """
    access_service.check_tries(uow, EMPLOYMENTS, member_id)
    query = (
        select(RosterEntry.id)
        .join(Roster, Roster.id == RosterEntry.roster_id)
        .join(TradeUnion, TradeUnion.id == Roster.union_id)
        .where(
            TradeUnion.code == union_code,
            TradeUnion.claims_by_employee,
            RosterEntry.employee_no == canonical.squeezed(employee_no),
            RosterEntry.name == canonical.person(name),
            RosterEntry.is_active,
            RosterEntry.member_id.is_(None) | (RosterEntry.member_id == member_id),
        )
    )
    entry_ids = uow.session.scalars(query).all()
    if not entry_ids:
        access_service.count_wrong_try(uow, EMPLOYMENTS, member_id)
        return None
    access_service.check_tries(uow, EMPLOYMENTS, member_id)
    return _claim(uow, member_id, entry_ids)


def _claim(uow: UnitOfWork, member_id: UUID, entry_ids: Sequence[UUID]) -> list[UUID]:
    if not entry_ids:
        return []
    values = {"member_id": member_id, "entry_ids": list(entry_ids), "now": uow.now}
    claimed = [row.id for row in uow.session.execute(statements.CLAIM, values)]
    if claimed:
        uow.session.execute(statements.JOIN_CLAIMED, {**values, "entry_ids": claimed})
        uow.emit(RosterEntriesClaimed(str(member_id), [str(each) for each in claimed]))
    return claimed
