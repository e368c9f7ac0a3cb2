"""Read members, addresses and regions."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from mall.kernel.errors import NotFound
from mall.kernel.together import Read, Rows
from mall.members.models import Address, Member, Region

# What must hold of whoever a token `t` belongs to, or of an account `s`: see mall/access/queries.py.
MEMBER_STANDING = """EXISTS (SELECT 1 FROM member m
    WHERE m.id = t.subject_id AND m.is_active AND m.epoch = t.epoch)"""
OFFICER_STANDING = """NOT EXISTS (SELECT 1 FROM trade_union u
    WHERE u.id = s.scope_id AND NOT u.is_active)"""


@dataclass(frozen=True)
class Destination:
    """Where something is sent, as it was when the order was placed."""

    recipient: str
    phone: str
    region_code: str
    region: str
    detail: str

    def snapshot(self) -> dict[str, Any]:
        """Return the form stored with an order."""
        return {
            "recipient": self.recipient,
            "phone": self.phone,
            "region_code": self.region_code,
            "region": self.region,
            "detail": self.detail,
        }


def get_member(session: Session, member_id: UUID) -> Member:
    """Return a member or raise NotFound."""
    member = session.get(Member, member_id)
    if member is None:
        raise NotFound("member")
    return member


def openid_of(session: Session, member_id: UUID) -> str:
    """Return the openid WeChat Pay needs of a paying member."""
    return get_member(session, member_id).openid


def openids_of(session: Session, member_ids: list[UUID]) -> dict[UUID, str]:
    """Return the openid of each of these members whose account is open."""
    query = select(Member.id, Member.openid).where(Member.id.in_(member_ids), Member.is_active)
    return {row[0]: row[1] for row in session.execute(query)}


def display_names(session: Session, member_ids: list[UUID]) -> dict[UUID, str]:
    """Return the verified names of members; those without one are left out."""
    query = select(Member.id, Member.real_name).where(
        Member.id.in_(member_ids), Member.real_name.is_not(None)
    )
    return {row.id: row.real_name for row in session.execute(query)}


def addresses(session: Session, member_id: UUID) -> list[tuple[Address, str]]:
    """Return a member's addresses, the default first, each with its region in words."""
    found = session.scalars(
        select(Address)
        .where(Address.member_id == member_id)
        .order_by(Address.is_default.desc(), Address.id.desc())
    ).all()
    names = region_names(session, {address.region_code for address in found})
    return [(address, names[address.region_code]) for address in found]


def get_address(session: Session, member_id: UUID, address_id: UUID) -> Address:
    """Return a member's own address; raises NotFound if it is someone else's."""
    address = session.scalars(
        select(Address).where(Address.id == address_id, Address.member_id == member_id)
    ).first()
    if address is None:
        raise NotFound("address", field="address_id")
    return address


_DESTINATION = """
    SELECT a.recipient, a.phone, a.region_code, a.detail, r.full_name AS region
    FROM address a JOIN region r ON r.code = a.region_code
    WHERE a.member_id = CAST(:destination_member_id AS uuid) AND {which}
    """
_DEFAULT = _DESTINATION.format(which="a.is_default")
_CHOSEN = _DESTINATION.format(which="a.id = CAST(:destination_address_id AS uuid)")


def reading_destination(member_id: UUID, address_id: UUID | None) -> Read:
    """Return the read of one of a member's addresses, or the default; None if there is no default.

    Building it raises NotFound for an address that is not the member's.
    """
    values = {"destination_member_id": str(member_id)}
    if address_id is not None:
        values["destination_address_id"] = str(address_id)

    def build(rows: Rows) -> Destination | None:
        if not rows:
            if address_id is not None:
                raise NotFound("address", field="address_id")
            return None
        return Destination(**rows[0])

    return Read(_DEFAULT if address_id is None else _CHOSEN, values, build)


def check_region(session: Session, code: str | None, field: str) -> None:
    """Raise NotFound for a region code that nobody knows; no code is fine."""
    if code is not None and session.get(Region, code) is None:
        raise NotFound("region", field=field)


def region_codes(session: Session) -> frozenset[str]:
    """Return the code of every region."""
    return frozenset(session.scalars(select(Region.code)))


def region_names(session: Session, codes: set[str]) -> dict[str, str]:
    """Return each county's name with its city and province before it."""
    rows = session.execute(select(Region.code, Region.full_name).where(Region.code.in_(codes)))
    return {row.code: row.full_name for row in rows}


def regions_below(session: Session, parent_code: str | None) -> list[Region]:
    """Return the provinces, or what lies directly below a region."""
    condition = (
        Region.parent_code.is_(None) if parent_code is None else Region.parent_code == parent_code
    )
    return list(session.scalars(select(Region).where(condition).order_by(Region.code)))


def unknown_members(session: Session, member_ids: list[UUID]) -> set[UUID]:
    """Return those of the ids that no member has."""
    known = set(session.scalars(select(Member.id).where(Member.id.in_(member_ids))))
    return set(member_ids) - known
