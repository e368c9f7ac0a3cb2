"""Read rosters, the rows of their sheets and the people in them."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from mall.kernel.errors import NotFound
from mall.kernel.sheets.working import TURN
from mall.members.models import Member, TradeUnion, UnionMembership
from mall.members.rosters import rules
from mall.members.rosters.models import Roster, RosterEntry, RosterRow
from mall.members.rosters.rules import Known, Listed, Person


def own_roster(
    session: Session, union_id: UUID, roster_id: UUID, for_update: bool = False
) -> Roster:
    """Return a union's own roster; raises NotFound if it is someone else's."""
    query = select(Roster).where(Roster.id == roster_id, Roster.union_id == union_id)
    found = session.scalars(query.with_for_update() if for_update else query).first()
    if found is None:
        raise NotFound("roster", field="roster_id")
    return found


def list_rosters(session: Session, union_id: UUID, cursor: UUID | None, limit: int) -> list[Roster]:
    """Return a union's rosters, newest first, one more than `limit` if there are more."""
    query = select(Roster).where(Roster.union_id == union_id)
    if cursor is not None:
        query = query.where(Roster.id < cursor)
    return list(session.scalars(query.order_by(Roster.id.desc()).limit(limit + 1)))


def files_in_force(session: Session, keys: Collection[str], now: datetime) -> set[str]:
    """Return which of these files are the last sheet of a roster."""
    return set(session.scalars(select(Roster.file_key).where(Roster.file_key.in_(keys))))


def due(session: Session, now: datetime, is_large: bool) -> Roster | None:
    """Lock the roster whose turn it is, skipping those being worked on.

    Unions take turns: next is whoever was served longest ago, with what waits longest.
    """
    other = aliased(Roster)
    served = (
        select(func.max(other.begun_at))
        .where(other.union_id == Roster.union_id, other.begun_at > now - TURN)
        .scalar_subquery()
    )
    return session.scalars(
        select(Roster)
        .where(Roster.state.in_(rules.BUSY), Roster.due_at <= now, Roster.is_large == is_large)
        .order_by(served.nulls_first(), Roster.due_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    ).first()


def good_people(session: Session, roster_id: UUID) -> list[Person]:
    """Return the rows of the last sheet that nothing is wrong with, in their order."""
    rows = session.execute(
        select(
            RosterRow.number,
            RosterRow.name,
            RosterRow.phone,
            RosterRow.employee_no,
            RosterRow.department,
            RosterRow.born_on,
        )
        .where(RosterRow.roster_id == roster_id, func.jsonb_array_length(RosterRow.problems) == 0)
        .order_by(RosterRow.number)
    )
    return [Person(*row) for row in rows]


def entry_keys(session: Session, roster_id: UUID) -> list[Known]:
    """Return by what each entry of a roster is found again, active ones last."""
    query = select(RosterEntry.id, RosterEntry.phone, RosterEntry.employee_no)
    query = query.where(RosterEntry.roster_id == roster_id)
    rows = session.execute(query.order_by(RosterEntry.is_active, RosterEntry.id))
    return [Known(id_, phone, number) for id_, phone, number in rows]


def members_elsewhere(session: Session, union_id: UUID, phones: Collection[str]) -> dict[str, str]:
    """Return of these phones those whose member belongs to another union, with its name."""
    rows = session.execute(
        select(Member.phone, TradeUnion.name)
        .join(UnionMembership, UnionMembership.member_id == Member.id)
        .join(TradeUnion, TradeUnion.id == UnionMembership.union_id)
        .where(
            Member.phone == func.any(list(phones)),
            Member.is_active,
            UnionMembership.union_id != union_id,
            UnionMembership.left_on.is_(None),
        )
    )
    return {phone: name for phone, name in rows if phone is not None}


def rows_with_notes(
    session: Session, roster_id: UUID, limit: int = rules.MAX_ROWS
) -> list[RosterRow]:
    """Return the rows of the last sheet that something is wrong or doubtful with."""
    has_notes = func.jsonb_array_length(RosterRow.problems) + func.jsonb_array_length(
        RosterRow.warnings
    )
    query = select(RosterRow).where(RosterRow.roster_id == roster_id, has_notes > 0)
    return list(session.scalars(query.order_by(RosterRow.number).limit(limit)))


def entries(
    session: Session, roster_id: UUID, after: int, limit: int, only_unclaimed: bool = False
) -> list[RosterEntry]:
    """Return active people of a roster in the order of the sheet, one more than `limit` if more."""
    query = select(RosterEntry).where(
        RosterEntry.roster_id == roster_id, RosterEntry.is_active, RosterEntry.position > after
    )
    if only_unclaimed:
        query = query.where(RosterEntry.member_id.is_(None))
    return list(session.scalars(query.order_by(RosterEntry.position).limit(limit + 1)))


_LISTED = (
    RosterEntry.id,
    RosterEntry.position,
    RosterEntry.name,
    RosterEntry.phone,
    RosterEntry.employee_no,
    RosterEntry.department,
    RosterEntry.born_on,
    RosterEntry.member_id,
)


def people(session: Session, roster_id: UUID, after: int, limit: int) -> list[Listed]:
    """Return active people of a roster in the order of the sheet, one more than `limit` if more."""
    query = select(*_LISTED).where(
        RosterEntry.roster_id == roster_id, RosterEntry.is_active, RosterEntry.position > after
    )
    rows = session.execute(query.order_by(RosterEntry.position).limit(limit + 1))
    return [Listed(*row) for row in rows]


def get_entry(session: Session, union_id: UUID, entry_id: UUID) -> Listed:
    """Return a person of one of a union's rosters; raises NotFound if it is someone else's."""
    found = session.execute(
        select(*_LISTED)
        .join(Roster, Roster.id == RosterEntry.roster_id)
        .where(RosterEntry.id == entry_id, Roster.union_id == union_id, RosterEntry.is_active)
    ).first()
    if found is None:
        raise NotFound("person", field="entry_id")
    return Listed(*found)


def roster_of_entry(session: Session, entry_id: UUID) -> UUID:
    """Return the roster that a person stands in."""
    return session.get_one(RosterEntry, entry_id).roster_id


def count_without_birthday(session: Session, roster_id: UUID) -> int:
    """Return how many active people of a roster have no birthday in it."""
    query = select(func.count()).select_from(RosterEntry)
    query = query.where(RosterEntry.roster_id == roster_id, RosterEntry.is_active)
    return session.scalar(query.where(RosterEntry.born_on.is_(None))) or 0


def count_claimed(session: Session, roster_id: UUID) -> int:
    """Return how many active people of a roster are members already."""
    query = select(func.count()).select_from(RosterEntry)
    query = query.where(RosterEntry.roster_id == roster_id, RosterEntry.is_active)
    return session.scalar(query.where(RosterEntry.member_id.is_not(None))) or 0
