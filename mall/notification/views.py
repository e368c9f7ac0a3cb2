"""Members and staff read their notices."""

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint

from mall.access.guard import current, needs_no_duty
from mall.access.rules import OPS, STORE, SUPPLIER, UNION, Principal
from mall.kernel.uow import reading, unit_of_work
from mall.notification.models import Notice
from mall.notification.schemas import NoticePage, ReadBody
from mall.notification.service import staff_notices
from mall.web.fields import PageQuery, page
from mall.web.problems import language


def _reply(notice: Notice) -> dict[str, Any]:
    text = notice.text_zh if language() == "zh" else notice.text_en
    names = ("id", "kind", "created_at", "read_at")
    return {**{name: getattr(notice, name) for name in names}, "text": text}


def _blueprint(audience: str, tag: str) -> APIBlueprint:
    prefix = f"/v1/{audience}/notices"
    bp = APIBlueprint(f"notices_{audience}", __name__, url_prefix=prefix, tag=tag)

    @bp.get("")
    @bp.input(PageQuery, location="query")
    @bp.output(NoticePage)
    @bp.doc(summary="List notices, newest first")
    def list_notices(query_data: dict[str, Any]) -> dict[str, Any]:
        limit = query_data["limit"]
        with reading() as session:
            found = staff_notices.list_notices(
                session, audience, _scope(current()), query_data["cursor"], limit
            )
            return page(found, limit, _reply)

    @bp.post("/read")
    @needs_no_duty("what somebody has read is nobody else's business")
    @bp.input(ReadBody)
    @bp.output({}, 204)
    @bp.doc(summary="Mark notices read up to one; repeating changes nothing")
    def mark_read(json_data: dict[str, Any]) -> tuple[str, int]:
        with unit_of_work() as uow:
            staff_notices.mark_read(uow, audience, _scope(current()), json_data["up_to"])
        return "", 204

    return bp


def _scope(principal: Principal) -> UUID | None:
    """Return whose notices somebody reads: a member its own, staff those of what it acts for."""
    return principal.subject_id if principal.audience == STORE else principal.scope_id


BLUEPRINTS = [
    _blueprint(STORE, "Store: account"),
    _blueprint(UNION, "Union"),
    _blueprint(SUPPLIER, "Supplier"),
    _blueprint(OPS, "Operations"),
]
