"""Members sign in, bind their phone and keep their addresses."""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from mall.access import rules as access_rules
from mall.access import service as access_service
from mall.access.gateway import WeChatIdentity
from mall.access.models import StaffAccount
from mall.kernel.errors import Invalid, LimitReached
from mall.kernel.ids import new_id
from mall.kernel.together import document
from mall.kernel.uow import UnitOfWork
from mall.members import queries, rules
from mall.members.models import Address, Member, Region
from mall.members.rosters.service import claiming
from mall.members.rules import AddressForm

REGIONS_FILE = Path(__file__).parent.parent / "data" / "regions.csv"
# Rows that are as they should be are not written again. A row just made has no earlier version.
_LOAD_REGIONS = text("""
    INSERT INTO region AS r (code, name, level, parent_code, full_name, is_leaf)
    SELECT code, name, level, parent_code, full_name, is_leaf
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS w(
        code text, name text, level bigint, parent_code text, full_name text, is_leaf boolean)
    ON CONFLICT (code) DO UPDATE
        SET name = excluded.name, level = excluded.level, parent_code = excluded.parent_code,
            full_name = excluded.full_name, is_leaf = excluded.is_leaf
        WHERE (r.name, r.level, r.parent_code, r.full_name, r.is_leaf)
            IS DISTINCT FROM (excluded.name, excluded.level, excluded.parent_code,
                              excluded.full_name, excluded.is_leaf)
    RETURNING (xmax = 0) AS is_new
    """)


@dataclass(frozen=True)
class MemberSession:
    """What a member gets for a login code."""

    member_id: UUID
    is_new: bool
    token: access_rules.IssuedToken


def sign_in_with_wechat(uow: UnitOfWork, code: str, identity: WeChatIdentity) -> MemberSession:
    """Open a session for whom WeChat named; the first sign-in creates the member.

    Raises CodeRefused for a replayed code and Unauthenticated for a disabled member. Two first
    sign-ins at once create one member.
    """
    access_service.use_login_code(uow, code)
    created = uow.session.execute(
        insert(Member)
        .values(id=new_id(), openid=identity.openid, created_at=uow.now)
        .on_conflict_do_nothing(index_elements=["openid"])
        .returning(Member.id)
    ).first()
    member = uow.session.scalars(select(Member).where(Member.openid == identity.openid)).one()
    if not member.is_active:
        raise access_rules.Unauthenticated()
    token = access_service.issue_token(uow, access_rules.STORE, member.id, member.epoch)
    return MemberSession(member.id, created is not None, token)


def bind_phone(uow: UnitOfWork, member_id: UUID, phone: str) -> Member:
    """Bind the phone number that WeChat verified; raise PhoneTaken if it is another's.

    Roster entries of that number become the member's.
    """
    clean = rules.clean_phone(phone)
    taken = uow.session.scalars(
        select(Member.id).where(Member.phone == clean, Member.id != member_id, Member.is_active)
    ).first()
    if taken is not None:
        raise rules.PhoneTaken("code")
    member = queries.get_member(uow.session, member_id)
    member.phone = clean
    member.phone_verified_at = uow.now
    uow.session.flush()
    claiming.claim_by_phone(uow, member_id, clean)
    return member


def confirm_staff(uow: UnitOfWork, member_id: UUID, account: StaffAccount) -> StaffAccount:
    """Note that a member is who works with a staff account, whose password was just proved.

    Raises PhoneNeeded for a member without a verified phone, and PersonTaken.
    """
    member = queries.get_member(uow.session, member_id)
    if member.phone is None or member.phone_verified_at is None:
        raise rules.PhoneNeeded()
    access_service.confirm_person(uow, account, member.id, member.phone)
    return account


def verify_real_name(uow: UnitOfWork, member_id: UUID, real_name: str) -> Member:
    """Record that the union's register knows this member by this name."""
    member = queries.get_member(uow.session, member_id)
    member.real_name = real_name
    member.real_name_state = "verified"
    return member


def set_active(uow: UnitOfWork, member_id: UUID, is_active: bool) -> Member:
    """Open or close a member's account; closing ends every session at once.

    Raises PhoneTaken where the number has become another member's meanwhile.
    """
    member = queries.get_member(uow.session, member_id)
    if is_active and not member.is_active and member.phone is not None:
        taken = select(Member.id).where(
            Member.phone == member.phone, Member.id != member_id, Member.is_active
        )
        if uow.session.scalars(taken).first() is not None:
            raise rules.PhoneTaken("is_active")
    member.is_active = is_active
    if not is_active:
        member.epoch = Member.epoch + 1
    return member


def _lock(uow: UnitOfWork, member_id: UUID) -> None:
    """Change a member's addresses one after the other: limit and default hold for all together."""
    uow.session.execute(select(Member.id).where(Member.id == member_id).with_for_update())


def add_address(uow: UnitOfWork, member_id: UUID, form: AddressForm) -> UUID:
    """Add an address; the first one becomes the default. Raises LimitReached and Invalid."""
    _lock(uow, member_id)
    count = uow.session.scalar(
        select(func.count()).select_from(Address).where(Address.member_id == member_id)
    )
    if (count or 0) >= rules.MAX_ADDRESSES:
        raise LimitReached(limit=rules.MAX_ADDRESSES)
    values = _checked(uow, form)
    is_default = form.is_default or count == 0
    if is_default:
        _clear_default(uow, member_id)
    address = Address(
        id=new_id(),
        member_id=member_id,
        created_at=uow.now,
        **{**values, "is_default": is_default},
    )
    uow.session.add(address)
    uow.session.flush()
    return address.id


def change_address(uow: UnitOfWork, member_id: UUID, address_id: UUID, form: AddressForm) -> None:
    """Replace an address; orders already placed keep the one they were placed with."""
    _lock(uow, member_id)
    address = queries.get_address(uow.session, member_id, address_id)
    values = _checked(uow, form)
    if form.is_default and not address.is_default:
        _clear_default(uow, member_id)
    for name, value in values.items():
        if name != "is_default" or form.is_default:
            setattr(address, name, value)


def remove_address(uow: UnitOfWork, member_id: UUID, address_id: UUID) -> None:
    """Remove an address; if it was the default, the newest of the others becomes it."""
    _lock(uow, member_id)
    address = queries.get_address(uow.session, member_id, address_id)
    was_default = address.is_default
    uow.session.delete(address)
    uow.session.flush()
    if was_default:
        heir = uow.session.scalars(
            select(Address).where(Address.member_id == member_id).order_by(Address.id.desc())
        ).first()
        if heir is not None:
            heir.is_default = True


def _clear_default(uow: UnitOfWork, member_id: UUID) -> None:
    uow.session.execute(
        update(Address)
        .where(Address.member_id == member_id, Address.is_default)
        .values(is_default=False)
    )


def _checked(uow: UnitOfWork, form: AddressForm) -> dict[str, Any]:
    region = uow.session.get(Region, form.region_code)
    if region is None or not region.is_leaf:
        raise Invalid("region_code", "region_not_a_district")
    return {
        "recipient": form.recipient,
        "phone": rules.clean_phone(form.phone),
        "region_code": form.region_code,
        "detail": form.detail,
        "is_default": form.is_default,
    }


@dataclass(frozen=True)
class RegionsLoaded:
    """What became of the shipped table of regions."""

    total: int
    added: int
    changed: int


def load_regions(uow: UnitOfWork) -> RegionsLoaded:
    """Load the shipped table of regions; loading it again changes nothing.

    A region that the table no longer has stays: addresses may lie in it.
    """
    rows = _shipped_regions()
    written = uow.session.execute(_LOAD_REGIONS, {"rows": document(rows)}).all()
    added = sum(row.is_new for row in written)
    return RegionsLoaded(len(rows), added, len(written) - added)


def _shipped_regions() -> list[dict[str, Any]]:
    with REGIONS_FILE.open(encoding="utf-8") as file:
        # A city without counties stands twice in the table, once as a county of itself.
        read = {
            row["code"]: row for row in csv.DictReader(file) if row["code"] != row["parent_code"]
        }
    above_others = {row["parent_code"] for row in read.values()}

    def full_name(code: str) -> str:
        row = read[code]
        above = full_name(row["parent_code"]) if row["parent_code"] else ""
        return above + row["name"]

    return [
        {
            "code": code,
            "name": row["name"],
            "level": int(row["level"]),
            "parent_code": row["parent_code"] or None,
            "full_name": full_name(code),
            "is_leaf": code not in above_others,
        }
        for code, row in read.items()
    ]
