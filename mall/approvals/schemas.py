"""What waits for a second person, on the wire."""

from apiflask.fields import UUID, DateTime, Dict, Integer, String
from apiflask.validators import Length, OneOf

from mall.approvals.rules import STATES
from mall.web.fields import Items, PageQuery, Schema, a_uuid, short_text


class ProposalReply(Schema):
    id = UUID(metadata={"example": str(a_uuid())})
    kind = String(metadata={"example": "grant"})
    state = String(metadata={"example": "proposed"})
    about = String(metadata={"example": "发放 2026 年春节慰问：3 人，共 3000.00 元"})
    body = Dict(metadata={"description": "Exactly what will be done", "example": {}})
    amount_fen = Integer(metadata={"example": 300000})
    limit_fen = Integer(
        allow_none=True,
        metadata={"description": "What one person may do alone in a day", "example": 100000},
    )
    proposed_by = String(metadata={"example": f"ops:{a_uuid()}"})
    proposer_name = String(metadata={"example": "财务陈"})
    proposed_at = DateTime()
    ends_at = DateTime(metadata={"description": "It lapses then"})
    decided_by = String(allow_none=True)
    decider_name = String(allow_none=True, metadata={"example": "财务林"})
    decided_at = DateTime(allow_none=True)
    note = String(metadata={"example": ""})
    result = Dict(allow_none=True, metadata={"description": "What was done", "example": {}})


class ProposalPage(Schema):
    items = Items(ProposalReply)
    next_cursor = UUID(allow_none=True)


class ProposalQuery(PageQuery):
    state = String(
        load_default=None, validate=OneOf(STATES.states), metadata={"example": "proposed"}
    )
    kind = String(load_default=None, validate=Length(max=40), metadata={"example": "grant"})


class RejectBody(Schema):
    note = short_text(200, required=True, metadata={"example": "凭证金额不符"})
