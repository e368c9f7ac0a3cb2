"""A member shows who they are where things are handed out."""

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint

from fulfillment.handover import queries, rules
from fulfillment.handover.schemas import HandOutCodeReply
from mall.access.guard import current_member_id
from mall.kernel.errors import NotFound
from mall.kernel.settings import current_settings
from mall.kernel.uow import reading
from orders.entitlements import queries as entitlement_queries

bp = APIBlueprint("hand_outs", __name__, url_prefix="/v1/store/entitlements", tag="Store: welfare")


@bp.get("/<uuid:entitlement_id>/hand-out-code")
@bp.output(HandOutCodeReply)
@bp.doc(summary="Read the code to show at the unit, and what became of one's share")
def read_code(entitlement_id: UUID) -> dict[str, Any]:
    with reading() as session:
        right = entitlement_queries.own_entitlement(session, current_member_id(), entitlement_id)
        if not right.has_share:
            raise NotFound("share")
        found = queries.hand_outs_of(session, [right.id]).get(right.id)
        return {
            "code": rules.code_of(right.id, current_settings().secret_key),
            "state": found.state if found is not None else None,
            "recorded_at": found.recorded_at if found is not None else None,
        }
