"""Money, issue and changes of programmes on the wire."""

from apiflask.fields import UUID, Boolean, DateTime, Integer, List, Nested, String
from apiflask.validators import OneOf, Range
from marshmallow import ValidationError, validates_schema

from mall.kernel.money import MAX_FEN
from mall.web.fields import (
    DEFAULT_PAGE,
    MAX_PAGE,
    Day,
    Items,
    Schema,
    a_uuid,
    code_text,
    plain_text,
    short_text,
)
from orders.collective import rules
from orders.entitlements.rules import STATES


class TransferBody(Schema):
    amount_fen = Integer(
        required=True, strict=True, validate=Range(1, MAX_FEN), metadata={"example": 10200000}
    )
    bank_reference = code_text(64, required=True, metadata={"example": "ICBC20270105000123"})
    payer = short_text(100, required=True, metadata={"example": "湛江市中级人民法院工会委员会"})
    note = plain_text(
        200,
        load_default="",
    )


class FundingReply(TransferBody):
    id = UUID(metadata={"example": str(a_uuid())})
    kind = String(metadata={"example": "transfer"})
    state = String(metadata={"example": "confirmed"})
    recorded_by = String(metadata={"example": "union:019a3c5e-0000-7000-8000-000000000001"})
    recorded_at = DateTime()
    decided_by = String(allow_none=True)
    decided_at = DateTime(allow_none=True)


class BillReply(Schema):
    programme_id = UUID(metadata={"example": str(a_uuid())})
    number = String(metadata={"example": "W261124K7Q2M9X4TB"})
    state = String(metadata={"example": "approved"})
    budget_fen = Integer(metadata={"example": 10200000})
    received_fen = Integer(metadata={"example": 10000000})
    returned_fen = Integer(metadata={"example": 0})
    issued_fen = Integer(metadata={"example": 0})
    to_issue_fen = Integer(metadata={"example": 10200000})
    balance_fen = Integer(metadata={"description": "What is in the fund", "example": 10000000})
    due_fen = Integer(metadata={"description": "What is still to be paid", "example": 200000})
    surplus_fen = Integer(metadata={"description": "What may go back", "example": 0})
    fundings = List(Nested(FundingReply))


class NativeReply(Schema):
    payment_id = UUID(metadata={"example": str(a_uuid())})
    out_trade_no = String(metadata={"example": "P261124K7Q2M9X4TB"})
    amount_fen = Integer(metadata={"example": 384000})
    code_url = String(metadata={"example": "weixin://wxpay/bizpayurl?pr=abc"})
    expires_at = DateTime()


class CloseBody(Schema):
    reason = short_text(200, required=True, metadata={"example": "全部职工已选完"})
    skips_default = Boolean(
        load_default=False, metadata={"description": "Give nobody the default pack"}
    )


class RecipientQuery(Schema):
    after = Integer(load_default=0, validate=Range(0, 10_000_000))
    limit = Integer(load_default=DEFAULT_PAGE, validate=Range(1, MAX_PAGE))
    state = String(load_default=None, validate=OneOf(STATES.states))
    has_not_chosen = Boolean(
        load_default=False,
        metadata={"description": "Only who has neither redeemed nor begun to spend"},
    )


class RecipientReply(Schema):
    id = UUID(metadata={"example": str(a_uuid())})
    position = Integer(metadata={"example": 2})
    name = String(metadata={"example": "陈小湛"})
    phone = String(allow_none=True, metadata={"description": "Masked", "example": "138****0001"})
    employee_no = String(allow_none=True)
    department = String(metadata={"example": "儿科"})
    amount_fen = Integer(metadata={"example": 30000})
    due_on = Day(allow_none=True)
    state = String(metadata={"example": "open"})
    is_member = Boolean()
    pack_title = String(allow_none=True, metadata={"example": "春节慰问 A 包"})
    issued_at = DateTime(allow_none=True)
    redeemed_at = DateTime(allow_none=True)


class RecipientPage(Schema):
    items = Items(RecipientReply)
    next_after = Integer(allow_none=True)


class ProgressReply(Schema):
    state = String(metadata={"example": "issuing"})
    recipients = Integer(metadata={"example": 5000})
    issued = Integer(metadata={"example": 3200})
    listed = Integer(metadata={"description": "Not issued yet", "example": 1800})
    waiting = Integer(metadata={"description": "Issued, no member yet", "example": 410})
    issued_fen = Integer(metadata={"example": 96000000})
    budget_fen = Integer(metadata={"example": 150000000})


class ChangeBody(Schema):
    kind = String(required=True, validate=OneOf((rules.ADD, rules.WITHDRAW)))
    entry_id = UUID(
        load_default=None, allow_none=True, metadata={"description": "Whom to add, of a roster"}
    )
    entitlement_id = UUID(
        load_default=None,
        allow_none=True,
        metadata={"description": "Whose entitlement to withdraw"},
    )
    reason = short_text(200, required=True, metadata={"example": "1 月新入职"})

    @validates_schema
    def names_whom(self, data: dict[str, object], **_: object) -> None:
        wanted = "entry_id" if data["kind"] == rules.ADD else "entitlement_id"
        if data[wanted] is None:
            raise ValidationError("Missing data for required field.", wanted)


class ChangeReply(Schema):
    id = UUID(metadata={"example": str(a_uuid())})
    kind = String(metadata={"example": "add"})
    state = String(metadata={"example": "applied"})
    entry_id = UUID(allow_none=True)
    entitlement_id = UUID(allow_none=True)
    name = String(metadata={"example": "陈小湛"})
    reason = String(metadata={"example": "1 月新入职"})
    proposed_by = UUID()
    proposed_at = DateTime()
    decided_by = UUID(allow_none=True)
    decided_at = DateTime(allow_none=True)


class ChangeList(Schema):
    items = Items(ChangeReply)


class ChangeDecision(Schema):
    is_approved = Boolean(required=True)


class RemindedReply(Schema):
    reminded = Integer(metadata={"example": 37})
