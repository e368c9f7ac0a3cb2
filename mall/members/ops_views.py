"""What operators do with members and unions."""

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint

from mall.kernel.uow import reading, unit_of_work
from mall.members import queries, service, unions
from mall.members.models import TradeUnion
from mall.members.schemas import (
    MemberReply,
    MembershipBody,
    MemberState,
    RealName,
    UnionBody,
    UnionPage,
    UnionReply,
)
from mall.members.views import member_reply
from mall.web.fields import PageQuery, page

bp = APIBlueprint("members_ops", __name__, url_prefix="/v1/ops/members", tag="Operations")
unions_bp = APIBlueprint("unions_ops", __name__, url_prefix="/v1/ops/unions", tag="Operations")


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


def _union(union: TradeUnion) -> dict[str, Any]:
    return {
        name: getattr(union, name) for name in ("id", "code", "name", "parent_id", "created_at")
    }


@unions_bp.get("")
@unions_bp.input(PageQuery, location="query")
@unions_bp.output(UnionPage)
@unions_bp.doc(summary="List unions, newest first")
def list_unions(query_data: dict[str, Any]) -> dict[str, Any]:
    with reading() as session:
        found = unions.list_unions(session, query_data["cursor"], query_data["limit"])
        return page([_union(union) for union in found], query_data["limit"])


@unions_bp.post("")
@unions_bp.input(UnionBody)
@unions_bp.output(UnionReply, 201)
@unions_bp.doc(summary="Open a union")
def open_union(json_data: dict[str, Any]) -> dict[str, Any]:
    with unit_of_work() as uow:
        return _union(unions.open_union(uow, **json_data))


@unions_bp.put("/<uuid:union_id>/members/<uuid:member_id>")
@unions_bp.input(MembershipBody)
@unions_bp.output({}, 204)
@unions_bp.doc(summary="Say from when and until when a member belongs to a union")
def set_membership(union_id: UUID, member_id: UUID, json_data: dict[str, Any]) -> tuple[str, int]:
    with unit_of_work() as uow:
        unions.set_membership(
            uow, union_id, member_id, json_data["joined_on"], json_data["left_on"]
        )
    return "", 204
