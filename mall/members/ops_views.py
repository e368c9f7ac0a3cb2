"""What operators do with members."""

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint

from mall.kernel.uow import reading, unit_of_work
from mall.members import queries, service
from mall.members.schemas import MemberReply, MemberState, RealName
from mall.members.views import member_reply

bp = APIBlueprint("members_ops", __name__, url_prefix="/v1/ops/members", tag="Operations")


@bp.get("/<uuid:member_id>")
@bp.output(MemberReply)
@bp.doc(summary="Read a member, masked")
def read_member(member_id: UUID) -> dict[str, Any]:
    with reading() as session:
        return member_reply(queries.get_member(session, member_id))


@bp.put("/<uuid:member_id>/real-name")
@bp.input(RealName)
@bp.output(MemberReply)
@bp.doc(summary="Record a member's verified name")
def verify_real_name(member_id: UUID, json_data: dict[str, str]) -> dict[str, Any]:
    with unit_of_work() as uow:
        return member_reply(service.verify_real_name(uow, member_id, json_data["real_name"]))


@bp.put("/<uuid:member_id>/state")
@bp.input(MemberState)
@bp.output(MemberReply)
@bp.doc(summary="Open or close a member's account; closing ends every session")
def set_state(member_id: UUID, json_data: dict[str, bool]) -> dict[str, Any]:
    with unit_of_work() as uow:
        return member_reply(service.set_active(uow, member_id, json_data["is_active"]))
