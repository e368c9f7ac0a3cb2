"""Deliveries on the wire."""

from apiflask.fields import UUID, DateTime, Dict, Float, Integer, String
from apiflask.validators import OneOf

from mall.kernel.outbox import PARKED
from mall.outbox_admin.rules import STATES
from mall.web.fields import Items, PageQuery, Schema, a_uuid, short_text


class DeliveryReply(Schema):
    id = UUID(metadata={"example": str(a_uuid())})
    topic = String(metadata={"description": "What happened", "example": "OrderPaid"})
    payload = Dict(metadata={"example": {"order_id": str(a_uuid())}})
    handler = String(
        metadata={
            "description": "What answers it",
            "example": "fulfillment.dispatch.service.open_fulfillment_orders",
        }
    )
    queue = String(metadata={"example": "fulfillment"})
    state = String(metadata={"description": ", ".join(STATES.states), "example": PARKED})
    attempts = Integer(metadata={"example": 8})
    created_at = DateTime()
    due_at = DateTime()
    done_at = DateTime(allow_none=True)
    last_error = String(allow_none=True, metadata={"example": "NotFound: no such product"})
    decided_by = String(allow_none=True)
    decided_at = DateTime(allow_none=True)
    note = String(allow_none=True)


class DeliveryPage(Schema):
    items = Items(DeliveryReply)
    next_cursor = UUID(allow_none=True)


class DeliveryQuery(PageQuery):
    state = String(load_default=PARKED, validate=OneOf(STATES.states))


class DecisionBody(Schema):
    note = short_text(200, required=True, metadata={"example": "商品已恢复，重新处理"})


class QueueReply(Schema):
    queue = String(metadata={"example": "payments"})
    pending = Integer(metadata={"description": "Deliveries not done", "example": 3})
    oldest_seconds = Float(metadata={"description": "Age of the oldest of them", "example": 0.4})
    parked = Integer(metadata={"description": "Deliveries for an operator", "example": 0})
    queued = Integer(allow_none=True, metadata={"description": "RQ jobs that wait", "example": 1})
    started = Integer(allow_none=True, metadata={"description": "RQ jobs that run", "example": 1})
    failed = Integer(
        allow_none=True, metadata={"description": "RQ jobs that failed lately", "example": 0}
    )


class QueueList(Schema):
    items = Items(QueueReply)
    workers = Integer(
        allow_none=True,
        metadata={"description": "Null, and what RQ knows: Valkey is silent", "example": 2},
    )
