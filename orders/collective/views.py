"""The public notice: what unions give, for how many, from whom, at what price."""

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint

from mall.access.guard import public
from mall.kernel.uow import reading
from mall.web.fields import page
from orders.collective import queries
from orders.collective.schemas import NoticedPage, NoticedReply, NoticeQuery
from orders.programmes import queries as programmes

bp = APIBlueprint("public_notice", __name__, url_prefix="/v1/store/public-notice", tag="Public")


@bp.get("")
@public
@bp.input(NoticeQuery, location="query")
@bp.output(NoticedPage)
@bp.doc(summary="List approved programmes, of one union or of all, newest first")
def list_noticed(query_data: dict[str, Any]) -> dict[str, Any]:
    with reading() as session:
        found = programmes.noticed(session, **query_data)
        return page(queries.noticed_items(session, found), query_data["limit"])


@bp.get("/<uuid:programme_id>")
@public
@bp.output(NoticedReply)
@bp.doc(summary="Read the notice of a programme: contents, prices, suppliers, approvals, figures")
def read_noticed(programme_id: UUID) -> dict[str, Any]:
    with reading() as session:
        return queries.noticed_of(session, programmes.get_noticed(session, programme_id))
