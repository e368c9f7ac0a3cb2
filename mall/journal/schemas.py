"""The journal on the wire."""

from apiflask.fields import UUID, DateTime, Integer, List, Raw, String
from apiflask.validators import Length, OneOf

from mall.web.fields import Items, Moment, PageQuery, Schema, a_uuid

AUDIENCES = ("ops", "union", "supplier", "pickup", "cli")


class FilterQuery(Schema):
    actor_id = UUID(load_default=None, metadata={"description": "Account that acted"})
    operation = String(
        load_default=None,
        validate=Length(1, 100),
        metadata={"example": "members_ops.set_state"},
    )
    object = String(
        load_default=None,
        validate=Length(1, 100),
        metadata={"description": "Id of what it was done to", "example": str(a_uuid())},
    )
    audience = String(load_default=None, validate=OneOf(AUDIENCES), metadata={"example": "ops"})
    since = Moment(load_default=None, metadata={"example": "2026-11-01T00:00:00Z"})
    until = Moment(load_default=None, metadata={"example": "2026-12-01T00:00:00Z"})


class JournalQuery(FilterQuery, PageQuery):
    """A filter, and where the listing continues."""


class LineReply(Schema):
    id = UUID(metadata={"example": str(a_uuid())})
    at = DateTime(metadata={"example": "2026-11-27T08:00:00Z"})
    audience = String(metadata={"example": "ops"})
    actor_id = UUID(allow_none=True)
    actor_name = String(metadata={"example": "王芳"})
    operation = String(metadata={"example": "members_ops.set_state"})
    request = String(metadata={"example": f"PUT /v1/ops/members/{a_uuid()}/state"})
    objects = List(String(), metadata={"example": [str(a_uuid())]})
    given = Raw(allow_none=True, metadata={"example": {"is_active": False}})
    before = Raw(allow_none=True, metadata={"example": {"Member:…": {"is_active": True}}})
    after = Raw(allow_none=True, metadata={"example": {"Member:…": {"is_active": False}}})
    address = String(metadata={"example": "192.0.2.1"})
    request_id = String(metadata={"example": "5b0f6e0c9d0e4a6f"})
    outcome = String(metadata={"description": "done, or the refusal's code", "example": "done"})
    position = Integer(allow_none=True, metadata={"description": "In the chain, once sealed"})
    hash = String(allow_none=True, metadata={"example": "9f86d081…"})


class JournalPage(Schema):
    items = Items(LineReply)
    next_cursor = UUID(allow_none=True)
