"""Applications, documents and qualifications on the wire."""

from collections.abc import Mapping
from typing import Any

from apiflask.fields import UUID, Boolean, DateTime, Integer, List, Nested, String
from apiflask.validators import Length, OneOf, Range, Regexp
from marshmallow import ValidationError, validates_schema

from catalog.onboarding import rules
from mall.access.rules import MAX_PASSWORD, MIN_PASSWORD
from mall.access.staff.schemas import InvitationReply
from mall.web.fields import (
    Day,
    HistoricDay,
    Items,
    PageQuery,
    Schema,
    a_uuid,
    code_text,
    long_text,
    plain_text,
    region_code,
    short_text,
    stored_image,
)

_PHONE = Regexp(r"^\+?[0-9 -]{5,20}$")


def _password() -> String:
    return String(
        required=True,
        validate=Length(MIN_PASSWORD, MAX_PASSWORD),
        metadata={"example": "a-long-passphrase"},
    )


class SettlementAccount(Schema):
    bank = short_text(60, required=True, metadata={"example": "中国农业银行徐闻支行"})
    account_name = short_text(100, required=True, metadata={"example": "徐闻县良姜农业合作社"})
    account_number = code_text(
        32,
        Regexp(r"^[0-9]{8,32}$"),
        required=True,
        metadata={"example": "44600001040001234"},
    )


class ApplicationBody(Schema):
    name = short_text(100, required=True, metadata={"example": "徐闻县良姜农业合作社"})
    contact_name = short_text(50, required=True, metadata={"example": "陈小湛"})
    contact_phone = code_text(20, _PHONE, required=True, metadata={"example": "13800000001"})
    username = code_text(32, required=True, metadata={"example": "liangjiang"})
    password = _password()


class ApplicationReply(Schema):
    supplier_id = UUID(metadata={"example": str(a_uuid())})


class ProfileBody(Schema):
    contact_name = short_text(50, required=True, metadata={"example": "陈小湛"})
    contact_phone = code_text(20, _PHONE, required=True, metadata={"example": "13800000001"})
    contact_email = String(
        load_default="",
        validate=Regexp(r"^([^@\s]{1,64}@[^@\s]{1,190})?$"),
        metadata={"example": "lj@example.com"},
    )
    settlement_account = Nested(SettlementAccount, load_default=None, allow_none=True)
    origin_region_code = region_code(
        load_default=None,
        allow_none=True,
        metadata={"description": "Where its goods come from", "example": "440825"},
    )
    story = long_text(
        5000,
        load_default="",
        metadata={"example": "徐闻火山红土上种了三代人的良姜。"},
    )
    cover_url = stored_image(
        load_default=None,
        allow_none=True,
        metadata={"example": "/media/3f/3fa4-1280.webp"},
    )


class ReasonBody(Schema):
    field = short_text(60, required=True, metadata={"example": "number"})
    text = short_text(200, required=True, metadata={"example": "证照编号与文件不符"})


class ProfileReply(ProfileBody):
    id = UUID(metadata={"example": str(a_uuid())})
    name = String(metadata={"example": "徐闻县良姜农业合作社"})
    state = String(metadata={"example": "applied"})
    commission_bps = Integer(metadata={"description": "Basis points", "example": 500})
    submitted_at = DateTime(allow_none=True)
    review_reasons = List(Nested(ReasonBody))
    proposed_account = Nested(
        SettlementAccount,
        allow_none=True,
        metadata={"description": "Waits for an operator; absent in lists"},
    )
    proposed_commission_bps = Integer(
        allow_none=True,
        metadata={
            "description": "Another first rate that waits for a second person; absent in lists",
            "example": 500,
        },
    )


class ProfilePage(Schema):
    items = Items(ProfileReply)
    next_cursor = UUID(allow_none=True)


class QualificationBody(Schema):
    kind = String(required=True, validate=OneOf(rules.KINDS))
    number = code_text(60, required=True, metadata={"example": "JY14408250012345"})
    valid_from = HistoricDay(required=True, metadata={"example": "2026-01-01"})
    valid_until = Day(
        load_default=None,
        allow_none=True,
        metadata={"description": "Last valid day; null: for good", "example": "2029-12-31"},
    )
    document_id = UUID(required=True)
    region_code = region_code(
        load_default=None,
        allow_none=True,
        metadata={"description": "Assisted region, for `assistance`", "example": "440825"},
    )


class QualificationReply(QualificationBody):
    id = UUID(metadata={"example": str(a_uuid())})
    state = String(metadata={"example": "in_review"})
    reasons = List(Nested(ReasonBody))
    is_expired = Boolean(metadata={"example": False})
    created_at = DateTime()


class QualificationList(Schema):
    items = Items(QualificationReply)


class ReviewedQualification(QualificationReply):
    supplier_id = UUID()
    supplier_name = String(metadata={"example": "徐闻县良姜农业合作社"})


class QualificationPage(Schema):
    items = Items(ReviewedQualification)
    next_cursor = UUID(allow_none=True)


class QualificationQuery(PageQuery):
    state = String(
        load_default=None, validate=OneOf(rules.STATES.states), metadata={"example": "in_review"}
    )
    ending_within_days = Integer(
        load_default=None,
        validate=Range(0, 3660),
        metadata={"description": "Approved ones that end by then and are not renewed"},
    )


class DocumentReply(Schema):
    id = UUID(metadata={"example": str(a_uuid())})


class DecisionBody(Schema):
    decision = String(required=True, validate=OneOf(["approve", "reject"]))
    reasons = List(Nested(ReasonBody), load_default=list, validate=Length(max=50))

    @validates_schema
    def reasons_for_rejection(self, data: Any, **_: Any) -> None:
        """Refuse a rejection that gives no reason."""
        if data.get("decision") == "reject" and not data.get("reasons"):
            raise ValidationError("A rejection needs a reason.", "reasons")


def decision_of(data: Mapping[str, Any]) -> rules.Decision:
    """Return the decision in a body."""
    reasons = tuple(rules.Reason(**each) for each in data["reasons"])
    return rules.Decision(data["decision"] == "approve", reasons)


class ReviewBody(DecisionBody):
    commission_bps = Integer(
        load_default=None,
        strict=True,
        validate=Range(0, 10_000),
        metadata={
            "description": "Basis points; another rate than the platform's is proposed",
            "example": 500,
        },
    )


class UserBody(Schema):
    username = code_text(32, required=True, metadata={"example": "liangjiang-2"})
    display_name = plain_text(
        50,
        load_default="",
        metadata={"example": "仓库"},
    )


class UserReply(Schema):
    id = UUID(metadata={"example": str(a_uuid())})
    username = String(metadata={"example": "liangjiang-2"})
    display_name = String(metadata={"example": "仓库"})
    is_active = Boolean()
    created_at = DateTime()


class InvitedUser(UserReply):
    invitation = Nested(InvitationReply)


class UserList(Schema):
    items = Items(UserReply)
