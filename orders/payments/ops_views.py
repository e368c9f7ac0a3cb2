"""Operators read what went over the wire to WeChat and back."""

from typing import Any

from apiflask import APIBlueprint

from mall.kernel.uow import reading
from mall.web.fields import page
from orders.payments import queries
from orders.payments.schemas import MessagePage, MessageQuery, MessageReply

bp = APIBlueprint("payments_ops", __name__, url_prefix="/v1/ops/payments", tag="Operations")


@bp.get("/messages")
@bp.input(MessageQuery, location="query")
@bp.output(MessagePage)
@bp.doc(
    summary="Read what was said to WeChat and by it about a number, newest first",
    description="Kept for 180 days; identifiers of people and signatures are masked.",
)
def list_messages(query_data: dict[str, Any]) -> dict[str, Any]:
    with reading() as session:
        found = queries.messages_of(session, **query_data)
        names = MessageReply().fields
        return page(
            [{name: getattr(each, name) for name in names} for each in found],
            query_data["limit"],
        )
