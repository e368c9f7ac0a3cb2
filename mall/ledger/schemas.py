"""Beans on the wire."""

from apiflask.fields import UUID, Boolean, DateTime, Integer, List, Nested, String
from apiflask.validators import Length, Range

from mall.kernel.money import MAX_FEN
from mall.web.fields import Items, Moment, Schema, a_uuid, code_text, short_text

_EXPIRY = {"example": "2026-12-31T16:00:00Z"}


class LotReply(Schema):
    id = UUID(metadata={"example": str(a_uuid())})
    programme = String(metadata={"example": "2026 年春节慰问"})
    scope_id = UUID(allow_none=True)
    scope_name = String(allow_none=True, metadata={"description": "null: good for everything"})
    granted_fen = Integer(metadata={"example": 100000})
    balance_fen = Integer(metadata={"example": 88800})
    held_fen = Integer(metadata={"description": "Set aside for unpaid orders", "example": 0})
    expires_at = DateTime(metadata=_EXPIRY)
    is_expired = Boolean()


class PurseReply(Schema):
    balance_fen = Integer(metadata={"description": "Spendable now; 1 bean = ¥1 = 100 fen"})
    held_fen = Integer()
    lots = List(Nested(LotReply))


class PostingReply(Schema):
    id = UUID(metadata={"example": str(a_uuid())})
    kind = String(metadata={"example": "spend"})
    reference = String(metadata={"example": f"spend:{a_uuid()}"})
    posted_at = DateTime()
    amount_fen = Integer(metadata={"description": "Positive: received", "example": -11200})
    lot_id = String()


class PostingPage(Schema):
    items = Items(PostingReply)
    next_cursor = UUID(allow_none=True)


class GrantBody(Schema):
    member_ids = List(
        UUID(), required=True, validate=Length(1, 1000), metadata={"example": [str(a_uuid())]}
    )
    amount_fen = Integer(
        required=True, strict=True, validate=Range(1, MAX_FEN), metadata={"example": 100000}
    )
    expires_at = Moment(required=True, metadata=_EXPIRY)
    programme = short_text(100, required=True, metadata={"example": "2026 年春节慰问"})
    reference = code_text(
        100,
        required=True,
        metadata={"description": "Voucher number; grants once per member", "example": "2026-001"},
    )
    scope_id = UUID(load_default=None, allow_none=True)


class GrantReply(Schema):
    lot_ids = List(UUID())
    total_fen = Integer(metadata={"example": 100000})


class ScopeBody(Schema):
    name = short_text(100, required=True, metadata={"example": "端午选品"})
    product_ids = List(UUID(), required=True, validate=Length(1, 2000))


class ScopeReply(Schema):
    id = UUID()


class AccountReply(Schema):
    account = String(metadata={"example": "sales:beans"})
    asset = String(metadata={"example": "beans"})
    balance_fen = Integer(metadata={"example": 11200})


class AccountList(Schema):
    items = Items(AccountReply)
