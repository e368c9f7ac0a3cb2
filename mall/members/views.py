"""A member's sign-in, account and addresses."""

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from flask import current_app, request

from mall.access import rules as access_rules
from mall.access import service as access_service
from mall.access.gateway import LoginGateway
from mall.access.guard import current_member_id, public
from mall.access.rules import PhoneCodeRefused
from mall.access.schemas import StaffSignIn, WeChatSignIn
from mall.access.staff.service import signing_in
from mall.kernel.rows.shown import each_shown
from mall.kernel.uow import reading, unit_of_work
from mall.members import queries, rules
from mall.members.models import Address, Member
from mall.members.schemas import (
    AddressBody,
    AddressList,
    AddressReply,
    MemberReply,
    MemberSessionReply,
    PhoneCode,
    RegionList,
    RegionQuery,
    StaffAccountReply,
)
from mall.members.service import members

bp = APIBlueprint("members", __name__, url_prefix="/v1/store", tag="Store: account")


def _gateway() -> LoginGateway:
    gateway: LoginGateway = current_app.extensions["mall_login_gateway"]
    return gateway


def member_reply(member: Member) -> dict[str, Any]:
    """Return a member as the account page and operators see it, masked."""
    return {
        "id": member.id,
        "phone": rules.mask_phone(member.phone),
        "real_name": rules.mask_name(member.real_name),
        "real_name_state": member.real_name_state,
        "is_active": member.is_active,
        "created_at": member.created_at,
    }


def _address_reply(address: Address, region: str) -> dict[str, Any]:
    return {
        "id": address.id,
        "recipient": address.recipient,
        "phone": address.phone,
        "region_code": address.region_code,
        "region": region,
        "detail": address.detail,
        "is_default": address.is_default,
    }


@bp.post("/session")
@public
@bp.input(WeChatSignIn)
@bp.output(MemberSessionReply, 201)
@bp.doc(summary="Sign in with a mini-program login code; the first sign-in creates the member")
def sign_in(json_data: dict[str, str]) -> dict[str, Any]:
    identity = _gateway().exchange_code(json_data["code"])
    with unit_of_work() as uow:
        session = members.sign_in_with_wechat(uow, json_data["code"], identity)
    return {
        "token": session.token.token,
        "expires_at": session.token.expires_at,
        "member_id": session.member_id,
        "is_new": session.is_new,
    }


@bp.get("/me")
@bp.output(MemberReply)
@bp.doc(summary="Read one's own account")
def read_me() -> dict[str, Any]:
    with reading() as session:
        return member_reply(queries.get_member(session, current_member_id()))


@bp.put("/me/phone")
@bp.input(PhoneCode)
@bp.output(MemberReply)
@bp.doc(
    summary="Bind the phone number that WeChat verified",
    responses={429: "Ten codes were refused within an hour"},
)
def bind_phone(json_data: dict[str, str]) -> dict[str, Any]:
    member_id = current_member_id()
    with unit_of_work() as uow:
        access_service.check_tries(uow, rules.PHONE_CODES, member_id)
    try:
        phone = _gateway().phone_number(json_data["code"])
    except PhoneCodeRefused:
        with unit_of_work() as uow:
            access_service.count_wrong_try(uow, rules.PHONE_CODES, member_id)
        raise
    with unit_of_work() as uow:
        return member_reply(members.bind_phone(uow, member_id, phone))


@bp.post("/me/staff-account")
@bp.input(StaffSignIn)
@bp.output(StaffAccountReply)
@bp.doc(
    summary="Prove to be who works with a staff account: by its password, as a member",
    description="Ties the account to the member and to the phone that WeChat verified; two accounts"
    " of one person are one from then on. Again changes nothing but the phone.",
    responses={
        401: "The password or the second factor is wrong",
        409: "No verified phone, or another member confirmed the account",
        429: "Too many wrong passwords from here: wait",
    },
)
def confirm_staff(json_data: dict[str, str]) -> dict[str, Any]:
    address = access_rules.place_of(request.remote_addr)
    attempt = signing_in.SignInAttempt(**json_data, audience=None, address=address)
    with unit_of_work() as uow:
        proof = signing_in.prove(uow, attempt)
        if proof.account is not None:
            account = members.confirm_staff(uow, current_member_id(), proof.account)
            return {
                "username": account.username,
                "display_name": account.display_name,
                "phone": rules.mask_phone(account.phone),
                "confirmed_at": account.person_confirmed_at,
            }
    assert proof.refusal is not None
    raise proof.refusal


@bp.get("/addresses")
@bp.output(AddressList)
@bp.doc(summary="List one's own addresses, the default first")
def list_addresses() -> dict[str, Any]:
    with reading() as session:
        found = queries.addresses(session, current_member_id())
        return {"items": each_shown(lambda row: _address_reply(*row), found)}


def _read_back(address_id: UUID) -> dict[str, Any]:
    with reading() as session:
        address = queries.get_address(session, current_member_id(), address_id)
        names = queries.region_names(session, {address.region_code})
        return _address_reply(address, names[address.region_code])


@bp.post("/addresses")
@bp.input(AddressBody)
@bp.output(AddressReply, 201)
@bp.doc(summary="Add an address (20 at most)")
def add_address(json_data: dict[str, Any]) -> dict[str, Any]:
    with unit_of_work() as uow:
        address_id = members.add_address(uow, current_member_id(), rules.AddressForm(**json_data))
    return _read_back(address_id)


@bp.put("/addresses/<uuid:address_id>")
@bp.input(AddressBody)
@bp.output(AddressReply)
@bp.doc(summary="Change an address; orders already placed keep the old one")
def change_address(address_id: UUID, json_data: dict[str, Any]) -> dict[str, Any]:
    form = rules.AddressForm(**json_data)
    with unit_of_work() as uow:
        members.change_address(uow, current_member_id(), address_id, form)
    return _read_back(address_id)


@bp.delete("/addresses/<uuid:address_id>")
@bp.output({}, 204)
@bp.doc(summary="Remove an address")
def remove_address(address_id: UUID) -> tuple[str, int]:
    with unit_of_work() as uow:
        members.remove_address(uow, current_member_id(), address_id)
    return "", 204


@bp.get("/regions")
@public
@bp.input(RegionQuery, location="query")
@bp.output(RegionList)
@bp.doc(summary="List provinces, or the regions directly below one")
def list_regions(query_data: dict[str, Any]) -> dict[str, Any]:
    with reading() as session:
        found = queries.regions_below(session, query_data["parent_code"])
        return {
            "items": [
                {"code": r.code, "name": r.name, "level": r.level, "is_leaf": r.is_leaf}
                for r in found
            ]
        }
