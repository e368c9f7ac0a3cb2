"""Accounts of staff, invitations and second factors on the wire."""

from apiflask.fields import UUID, Boolean, DateTime, List, Nested, String
from apiflask.validators import Length, OneOf, Regexp

from mall.access.rules import MAX_PASSWORD, OPERATOR_DUTIES
from mall.web.fields import Items, PageQuery, Schema, a_uuid, code_text, short_text

CHANGE_STATES = ("proposed", "confirmed", "rejected")


def _password(**about: str) -> String:
    return String(
        required=True,
        validate=Length(1, MAX_PASSWORD),
        metadata={"example": "correct-horse-battery", **about},
    )


def phone_field() -> String:
    """Return a field for the phone of whoever an account belongs to."""
    return code_text(
        20,
        Regexp(r"^1[3-9][0-9]{9}$"),
        load_default=None,
        allow_none=True,
        metadata={
            "description": "Two accounts of one phone are one person where two are needed",
            "example": "13800000009",
        },
    )


class PasswordChange(Schema):
    current_password = _password()
    new_password = _password(description="12 to 128 characters, none of the common ones")


class Forgotten(Schema):
    username = String(required=True, validate=Length(1, 64), metadata={"example": "zhang.wei"})


class AcceptBody(Schema):
    code = String(
        required=True,
        validate=Length(1, 128),
        metadata={"description": "What follows # in the link", "example": "tQ0m…"},
    )
    password = _password(description="12 to 128 characters, none of the common ones")


class AcceptReply(Schema):
    username = String(metadata={"example": "zhang.wei"})


class OwnAccount(Schema):
    id = UUID(metadata={"example": str(a_uuid())})
    username = String(metadata={"example": "zhang.wei"})
    display_name = String(metadata={"example": "张伟"})
    duties = List(String(), metadata={"example": ["service"]})
    has_totp = Boolean(metadata={"example": True})
    is_person_confirmed = Boolean(
        metadata={"description": "Its owner proved to be a member with a verified phone"}
    )


class PasswordBody(Schema):
    password = _password()


class FactorReply(Schema):
    secret = String(metadata={"example": "JBSWY3DPEHPK3PXP"})
    uri = String(metadata={"example": "otpauth://totp/mall:zhang.wei?secret=JBSWY3DPEHPK3PXP"})


class CodeBody(Schema):
    code = String(required=True, validate=Length(1, 32), metadata={"example": "492039"})


class RecoveryReply(Schema):
    recovery_codes = List(String(), metadata={"example": ["7K2M9XQ4TB"]})


class InvitationReply(Schema):
    code = String(metadata={"description": "Readable only now", "example": "tQ0m…"})
    link = String(metadata={"example": "/v1/ops/password/invitation#tQ0m…"})
    expires_at = DateTime(metadata={"example": "2026-11-28T08:00:00Z"})


class OperatorReply(OwnAccount):
    is_active = Boolean()
    phone = String(allow_none=True, metadata={"description": "Masked", "example": "138****0009"})
    created_at = DateTime()


class OperatorList(Schema):
    items = Items(OperatorReply)


def _duties(**about: str) -> List:
    return List(
        String(validate=OneOf(OPERATOR_DUTIES)),
        required=True,
        validate=Length(0, len(OPERATOR_DUTIES)),
        metadata={"example": ["reviews", "service"], **about},
    )


class OperatorBody(Schema):
    username = String(required=True, validate=Length(1, 32), metadata={"example": "wang.fang"})
    display_name = short_text(50, required=True, metadata={"example": "王芳"})
    duties = _duties()
    phone = phone_field()


class DutiesBody(Schema):
    duties = _duties()


class AccountChange(Schema):
    id = UUID(metadata={"example": str(a_uuid())})
    kind = String(metadata={"description": "open, duties or invite", "example": "open"})
    state = String(metadata={"example": "proposed"})
    account_id = UUID(allow_none=True)
    username = String(metadata={"example": "wang.fang"})
    display_name = String(metadata={"example": "王芳"})
    role = String(metadata={"example": "operator"})
    scope_id = UUID(allow_none=True)
    duties = List(String(), metadata={"example": ["reviews"]})
    proposed_by_id = UUID(allow_none=True)
    proposed_at = DateTime()
    decided_by_id = UUID(allow_none=True)
    decided_at = DateTime(allow_none=True)


class DecidedReply(AccountChange):
    invitation = Nested(InvitationReply, allow_none=True)


class InviteReply(Schema):
    change = Nested(
        AccountChange, allow_none=True, metadata={"description": "Waits for another operator"}
    )
    invitation = Nested(InvitationReply, allow_none=True)


class ChangeQuery(PageQuery):
    state = String(load_default="proposed", validate=OneOf(CHANGE_STATES))


class ChangePage(Schema):
    items = Items(AccountChange)
    next_cursor = UUID(allow_none=True)


class RequestReply(Schema):
    account_id = UUID(metadata={"example": str(a_uuid())})
    username = String(metadata={"example": "zhang.wei"})
    display_name = String(metadata={"example": "张伟"})
    role = String(metadata={"example": "union_officer"})
    scope_id = UUID(allow_none=True)
    asked_at = DateTime()


class RequestList(Schema):
    items = Items(RequestReply)
