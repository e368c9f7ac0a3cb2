"""A member's purse."""

from typing import Any

from apiflask import APIBlueprint
from flask import Response

from mall.access.guard import current_member_id
from mall.kernel import clock
from mall.kernel.db import current_pool
from mall.kernel.together import read_together
from mall.kernel.uow import reading
from mall.ledger import queries
from mall.ledger.schemas import PostingPage, PurseReply
from mall.web.fields import PageQuery, page
from mall.web.replies import whole

bp = APIBlueprint("beans", __name__, url_prefix="/v1/store/beans", tag="Store: beans")


@bp.get("")
@bp.output(PurseReply)
@bp.doc(summary="Read one's balance and lots, soonest expiry first")
def read_purse() -> Response:
    wanted = queries.reading_purse(current_member_id(), clock.now())
    sums, lots = read_together(current_pool(), *wanted)
    return whole({**sums, "lots": lots})


@bp.get("/postings")
@bp.input(PageQuery, location="query")
@bp.output(PostingPage)
@bp.doc(summary="List one's postings, newest first")
def list_postings(query_data: dict[str, Any]) -> dict[str, Any]:
    with reading() as session:
        found = queries.statement(
            session, current_member_id(), query_data["cursor"], query_data["limit"]
        )
    return page(found, query_data["limit"])
