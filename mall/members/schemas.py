"""A member's account and addresses on the wire."""

from apiflask.fields import UUID, Boolean, DateTime, Integer, List, String
from apiflask.validators import Length, OneOf, Regexp

from mall.access.rules import DUTIES
from mall.access.staff.schemas import phone_field
from mall.web.fields import (
    HistoricDay,
    Items,
    PageQuery,
    Schema,
    a_uuid,
    code_text,
    region_code,
    short_text,
)


class MemberSessionReply(Schema):
    token = String(metadata={"example": "tQ0m…"})
    expires_at = DateTime(metadata={"example": "2026-12-24T08:00:00Z"})
    member_id = UUID(metadata={"example": str(a_uuid())})
    is_new = Boolean(metadata={"description": "True at the first sign-in", "example": False})


class MemberReply(Schema):
    id = UUID(metadata={"example": str(a_uuid())})
    phone = String(allow_none=True, metadata={"description": "Masked", "example": "138****0001"})
    real_name = String(allow_none=True, metadata={"description": "Masked", "example": "陈**"})
    real_name_state = String(metadata={"example": "verified"})
    is_active = Boolean()
    created_at = DateTime(metadata={"example": "2026-11-24T08:00:00Z"})


class PhoneCode(Schema):
    code = String(
        required=True,
        validate=Length(1, 128),
        metadata={"description": "The code of getPhoneNumber", "example": "phone-13800000001"},
    )


class StaffAccountReply(Schema):
    username = String(metadata={"example": "zhang.wei"})
    display_name = String(metadata={"example": "张伟"})
    phone = String(metadata={"description": "Masked", "example": "138****0001"})
    confirmed_at = DateTime(metadata={"example": "2026-11-24T08:00:00Z"})


class RealName(Schema):
    real_name = short_text(50, required=True, metadata={"example": "陈小湛"})


class MemberState(Schema):
    is_active = Boolean(required=True)


class AddressBody(Schema):
    recipient = short_text(50, required=True, metadata={"example": "陈小湛"})
    phone = code_text(20, required=True, metadata={"example": "13800000001"})
    region_code = region_code(required=True, metadata={"example": "440802"})
    detail = short_text(200, required=True, metadata={"example": "跃进路 1 号"})
    is_default = Boolean(load_default=False)


class AddressReply(Schema):
    id = UUID(metadata={"example": str(a_uuid())})
    recipient = String(metadata={"example": "陈小湛"})
    phone = String(metadata={"example": "13800000001"})
    region_code = String(metadata={"example": "440802"})
    region = String(metadata={"example": "广东省湛江市赤坎区"})
    detail = String(metadata={"example": "跃进路 1 号"})
    is_default = Boolean()


class AddressList(Schema):
    items = Items(AddressReply)


class RegionQuery(Schema):
    parent_code = region_code(
        load_default=None,
    )


class RegionReply(Schema):
    code = String(metadata={"example": "440800"})
    name = String(metadata={"example": "湛江市"})
    level = Integer(metadata={"description": "1 province, 2 city, 3 county", "example": 2})
    is_leaf = Boolean(
        metadata={"description": "Nothing lies below: an address may name it", "example": False}
    )


class RegionList(Schema):
    items = Items(RegionReply)


class UnionBody(Schema):
    code = code_text(
        32, Regexp(r"^[0-9A-Za-z-]{1,32}$"), required=True, metadata={"example": "440800-017"}
    )
    name = short_text(100, required=True, metadata={"example": "湛江中心人民医院工会委员会"})
    parent_id = UUID(load_default=None, allow_none=True)


class UnionChange(Schema):
    name = short_text(100, required=True, metadata={"example": "湛江中心人民医院工会委员会"})
    parent_id = UUID(load_default=None, allow_none=True)
    claims_by_employee = Boolean(
        load_default=False,
        metadata={"description": "People may be known by employee number and name"},
    )


class UnionState(Schema):
    is_active = Boolean(required=True)


class UnionQuery(PageQuery):
    parent_id = UUID(load_default=None)


class UnionReply(UnionBody):
    id = UUID(metadata={"example": str(a_uuid())})
    claims_by_employee = Boolean()
    is_active = Boolean()
    created_at = DateTime()


class UnionPage(Schema):
    items = Items(UnionReply)
    next_cursor = UUID(allow_none=True)


class ImportReply(Schema):
    added = Integer(metadata={"example": 3745})
    changed = Integer(metadata={"example": 0})
    unchanged = Integer(metadata={"example": 0})


class OfficerBody(Schema):
    username = String(required=True, validate=Length(1, 32), metadata={"example": "zhang.wei"})
    display_name = short_text(50, required=True, metadata={"example": "张伟"})
    phone = phone_field()
    duties = List(
        String(validate=OneOf(DUTIES)),
        required=True,
        validate=Length(1, len(DUTIES)),
        metadata={"example": ["handles"]},
    )


class OfficerReply(Schema):
    id = UUID(metadata={"example": str(a_uuid())})
    username = String(metadata={"example": "zhang.wei"})
    display_name = String(metadata={"example": "张伟"})
    duties = List(String(), metadata={"example": ["handles"]})
    is_active = Boolean()


class OfficerList(Schema):
    items = Items(OfficerReply)


class MembershipBody(Schema):
    joined_on = HistoricDay(required=True, metadata={"example": "2026-01-01"})
    left_on = HistoricDay(
        load_default=None,
        allow_none=True,
        metadata={"description": "The first day on which it is over", "example": "2027-01-01"},
    )
