"""Fulfillment orders on the wire."""

from apiflask.fields import UUID, Boolean, DateTime, Dict, Integer, List, Nested, String
from apiflask.validators import OneOf

from fulfillment.dispatch import rules
from mall.web.fields import Items, PageQuery, Schema, a_uuid


class FulfillmentLineReply(Schema):
    id = UUID(metadata={"example": str(a_uuid())})
    sku_id = UUID()
    title = String(metadata={"example": "徐闻良姜片"})
    options = List(Dict())
    quantity = Integer(metadata={"example": 2})
    dispatched_quantity = Integer(metadata={"example": 0})
    held_quantity = Integer(
        metadata={"description": "Asked back before they left; wait with them", "example": 0}
    )
    cancelled_quantity = Integer(
        metadata={"description": "Taken back before they left", "example": 0}
    )


class FulfillmentOrderReply(Schema):
    id = UUID(metadata={"example": str(a_uuid())})
    number = String(metadata={"example": "F261124K7Q2M9X4TB"})
    order_id = UUID()
    order_no = String(metadata={"example": "D261124K7Q2M9X4TB"})
    case_id = UUID(
        allow_none=True, metadata={"description": "The after-sales case whose goods it replaces"}
    )
    supplier_id = UUID()
    delivery_mode = String(metadata={"example": "ship"})
    state = String(metadata={"example": "open"})
    address = Dict(
        allow_none=True, metadata={"description": "Whole for the supplier who must ship there"}
    )
    note = String()
    created_at = DateTime()
    dispatch_by = DateTime(
        allow_none=True, metadata={"description": "Promised to have left by then"}
    )
    dispatched_at = DateTime(allow_none=True)
    confirm_by = DateTime(allow_none=True)
    delivered_at = DateTime(allow_none=True)
    lines = List(Nested(FulfillmentLineReply))


class FulfillmentOrderList(Schema):
    items = Items(FulfillmentOrderReply)


class FulfillmentOrderPage(FulfillmentOrderList):
    next_cursor = UUID(allow_none=True)


class FulfillmentOrderQuery(PageQuery):
    state = String(load_default=None, validate=OneOf(rules.STATES.states))
    overdue = Boolean(
        load_default=False, metadata={"description": "Only what should have left by now"}
    )
