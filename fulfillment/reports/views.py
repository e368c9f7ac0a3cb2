"""The public notice: what unions give, for how many, from whom, at what price."""

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint

from fulfillment.reports import queries
from fulfillment.reports.schemas import NoticedPage, NoticedReply, NoticeQuery
from mall.access.guard import public
from mall.kernel.uow import reading, reading_one_instant
from mall.web.fields import page
from orders.collective import queries as collective_queries
from orders.programmes import queries as programme_queries

bp = APIBlueprint("public_notice", __name__, url_prefix="/v1/store/public-notice", tag="Public")


@bp.get("")
@public
@bp.input(NoticeQuery, location="query")
@bp.output(NoticedPage)
@bp.doc(summary="List approved programmes, of one union or of all, newest first")
def list_noticed(query_data: dict[str, Any]) -> dict[str, Any]:
    with reading() as session:
        found = programme_queries.noticed(session, **query_data)
        return page(collective_queries.noticed_items(session, found), query_data["limit"])


@bp.get("/<uuid:programme_id>")
@public
@bp.output(NoticedReply)
@bp.doc(
    summary="Read the notice of a programme: contents, prices, suppliers, approvals, figures, deliveries"
)
def read_noticed(programme_id: UUID) -> dict[str, Any]:
    with reading_one_instant() as session:
        programme = programme_queries.get_noticed(session, programme_id)
        deliveries = queries.delivery_of(session, programme.id)
        return {**collective_queries.noticed_of(session, programme), "deliveries": deliveries}
