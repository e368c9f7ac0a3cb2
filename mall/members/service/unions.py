"""Trade unions and who belongs to them."""

from datetime import date
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from mall.kernel import clock
from mall.kernel.db import hold_turn
from mall.kernel.errors import DomainError, Invalid, NotFound
from mall.kernel.ids import new_id
from mall.kernel.text import canonical
from mall.kernel.uow import UnitOfWork
from mall.members import queries
from mall.members.models import TradeUnion, UnionMembership


class UnionCodeTaken(DomainError):
    code = "union_code_taken"


class UnionNameTaken(DomainError):
    code = "union_name_taken"


def hold_names(uow: UnitOfWork) -> None:
    """Let whoever names unions wait until this transaction ends."""
    hold_turn(uow.session, "union_name", None)


def _check_name(uow: UnitOfWork, name: str, parent_id: UUID | None, own_id: UUID | None) -> None:
    hold_names(uow)
    twin = select(TradeUnion.id).where(
        TradeUnion.parent_id.is_not_distinct_from(parent_id),
        TradeUnion.name_key == canonical.key(name),
        TradeUnion.id.is_distinct_from(own_id),
    )
    if uow.session.scalars(twin).first() is not None:
        raise UnionNameTaken("name")


def open_union(uow: UnitOfWork, code: str, name: str, parent_id: UUID | None = None) -> TradeUnion:
    """Open a union; raise UnionCodeTaken, UnionNameTaken, or NotFound for an unknown parent."""
    if uow.session.scalars(select(TradeUnion.id).where(TradeUnion.code == code)).first():
        raise UnionCodeTaken("code")
    if parent_id is not None:
        get_union(uow.session, parent_id, "parent_id")
    _check_name(uow, name, parent_id, None)
    union = TradeUnion(id=new_id(), code=code, name=name, parent_id=parent_id, created_at=uow.now)
    uow.session.add(union)
    uow.session.flush()
    return union


def set_active(uow: UnitOfWork, union_id: UUID, is_active: bool) -> TradeUnion:
    """Close a union, whose officers are out at once, or open it again; raise NotFound."""
    union = get_union(uow.session, union_id)
    union.is_active = is_active
    uow.session.flush()
    return union


def change_union(
    uow: UnitOfWork, union_id: UUID, name: str, parent_id: UUID | None, claims_by_employee: bool
) -> TradeUnion:
    """Change a union; raise NotFound, UnionNameTaken, and Invalid where it stood above itself."""
    union = get_union(uow.session, union_id)
    above = parent_id
    while above is not None:
        if above == union_id:
            raise Invalid("parent_id", "union_above_itself")
        above = get_union(uow.session, above, "parent_id").parent_id
    _check_name(uow, name, parent_id, union_id)
    union.name, union.parent_id = name, parent_id
    union.claims_by_employee = claims_by_employee
    uow.session.flush()
    return union


def set_membership(
    uow: UnitOfWork, union_id: UUID, member_id: UUID, joined_on: date, left_on: date | None
) -> None:
    """Say from when and until before when a member belongs to a union; repeating changes nothing.

    Raises NotFound and Invalid.
    """
    if left_on is not None and left_on <= joined_on:
        raise Invalid("left_on", "left_before_joined")
    get_union(uow.session, union_id)
    queries.get_member(uow.session, member_id)
    days = {"joined_on": joined_on, "left_on": left_on}
    statement = insert(UnionMembership).values(union_id=union_id, member_id=member_id, **days)
    uow.session.execute(
        statement.on_conflict_do_update(index_elements=["union_id", "member_id"], set_=days)
    )


def get_union(session: Session, union_id: UUID, field: str | None = None) -> TradeUnion:
    """Return a union or raise NotFound."""
    union = session.get(TradeUnion, union_id)
    if union is None:
        raise NotFound("union", field=field)
    return union


def codes_of(session: Session, member_id: UUID) -> list[str]:
    """Return the codes of the unions a member belongs to today."""
    today = clock.beijing_day(clock.now())
    query = (
        select(TradeUnion.code)
        .join(UnionMembership, UnionMembership.union_id == TradeUnion.id)
        .where(UnionMembership.member_id == member_id, UnionMembership.joined_on <= today)
        .where(or_(UnionMembership.left_on.is_(None), UnionMembership.left_on > today))
    )
    return list(session.scalars(query.order_by(TradeUnion.code)))


def find_union(session: Session, code: str) -> TradeUnion | None:
    """Return the union of a code."""
    return session.scalars(select(TradeUnion).where(TradeUnion.code == code)).first()


def list_unions(
    session: Session, cursor: UUID | None, limit: int, parent_id: UUID | None = None
) -> list[TradeUnion]:
    """Return unions, or those directly below one, newest first, one more than `limit` if more."""
    query = select(TradeUnion).order_by(TradeUnion.id.desc()).limit(limit + 1)
    if parent_id is not None:
        query = query.where(TradeUnion.parent_id == parent_id)
    return list(session.scalars(query if cursor is None else query.where(TradeUnion.id < cursor)))
