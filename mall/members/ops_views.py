"""What operators do with members and unions."""

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint

from mall.access import queries as access_queries
from mall.access import service as access_service
from mall.access.guard import current, needs_duty
from mall.access.rules import ACCOUNTS, SERVICE, UNION_OFFICER
from mall.access.staff.ops_views import TWO, change_reply
from mall.access.staff.schemas import AccountChange
from mall.access.staff.service import changes
from mall.kernel.uow import reading, unit_of_work
from mall.members import queries
from mall.members.models import TradeUnion
from mall.members.schemas import (
    ImportReply,
    MemberReply,
    MembershipBody,
    MemberState,
    OfficerBody,
    OfficerList,
    RealName,
    UnionBody,
    UnionChange,
    UnionPage,
    UnionQuery,
    UnionReply,
    UnionState,
)
from mall.members.service import importing, members, unions
from mall.members.views import member_reply
from mall.web.fields import page
from mall.web.files import CSV, XLSX, sent_file, takes_file

bp = APIBlueprint("members_ops", __name__, url_prefix="/v1/ops/members", tag="Operations")
unions_bp = APIBlueprint("unions_ops", __name__, url_prefix="/v1/ops/unions", tag="Operations")


@bp.get("/<uuid:member_id>")
@bp.output(MemberReply)
@bp.doc(summary="Read a member, masked")
def read_member(member_id: UUID) -> dict[str, Any]:
    with reading() as session:
        return member_reply(queries.get_member(session, member_id))


@bp.put("/<uuid:member_id>/real-name")
@needs_duty(SERVICE)
@bp.input(RealName)
@bp.output(MemberReply)
@bp.doc(summary="Record a member's verified name")
def verify_real_name(member_id: UUID, json_data: dict[str, str]) -> dict[str, Any]:
    with unit_of_work() as uow:
        return member_reply(members.verify_real_name(uow, member_id, json_data["real_name"]))


@bp.put("/<uuid:member_id>/state")
@needs_duty(SERVICE)
@bp.input(MemberState)
@bp.output(MemberReply)
@bp.doc(summary="Open or close a member's account; closing ends every session")
def set_state(member_id: UUID, json_data: dict[str, bool]) -> dict[str, Any]:
    with unit_of_work() as uow:
        return member_reply(members.set_active(uow, member_id, json_data["is_active"]))


def _union(union: TradeUnion) -> dict[str, Any]:
    names = ("id", "code", "name", "parent_id", "claims_by_employee", "is_active", "created_at")
    return {name: getattr(union, name) for name in names}


@unions_bp.get("")
@unions_bp.input(UnionQuery, location="query")
@unions_bp.output(UnionPage)
@unions_bp.doc(summary="List unions, or those directly below one, newest first")
def list_unions(query_data: dict[str, Any]) -> dict[str, Any]:
    with reading() as session:
        found = unions.list_unions(session, **query_data)
        return page(found, query_data["limit"], _union)


@unions_bp.post("")
@needs_duty(ACCOUNTS)
@unions_bp.input(UnionBody)
@unions_bp.output(UnionReply, 201)
@unions_bp.doc(summary="Open a union")
def open_union(json_data: dict[str, Any]) -> dict[str, Any]:
    with unit_of_work() as uow:
        return _union(unions.open_union(uow, **json_data))


@unions_bp.put("/<uuid:union_id>")
@needs_duty(ACCOUNTS)
@unions_bp.input(UnionChange)
@unions_bp.output(UnionReply)
@unions_bp.doc(summary="Change a union's name, place in the tree, and how its people are known")
def change_union(union_id: UUID, json_data: dict[str, Any]) -> dict[str, Any]:
    with unit_of_work() as uow:
        return _union(unions.change_union(uow, union_id, **json_data))


@unions_bp.put("/<uuid:union_id>/state")
@needs_duty(ACCOUNTS)
@unions_bp.input(UnionState)
@unions_bp.output(UnionReply)
@unions_bp.doc(summary="Close a union, whose officers are out at once, or open it again")
def set_union_state(union_id: UUID, json_data: dict[str, bool]) -> dict[str, Any]:
    with unit_of_work() as uow:
        return _union(unions.set_active(uow, union_id, json_data["is_active"]))


@unions_bp.post("/import")
@needs_duty(ACCOUNTS)
@takes_file(XLSX, CSV)
@unions_bp.output(ImportReply)
@unions_bp.doc(
    summary="Import the list of unions (工会代码, 工会名称, 上级代码): wholly or not at all",
    description="xlsx or csv, up to 10,000 rows; the same list again changes nothing.",
)
def import_unions() -> dict[str, int]:
    lines = importing.read_list(sent_file(importing.LIMITS.bytes))
    with unit_of_work() as uow:
        return importing.import_unions(uow, lines)


@unions_bp.get("/<uuid:union_id>/officers")
@unions_bp.output(OfficerList)
@unions_bp.doc(summary="List the officers of a union with their duties")
def list_officers(union_id: UUID) -> dict[str, Any]:
    with reading() as session:
        unions.get_union(session, union_id)
        return {"items": access_queries.staff_of(session, UNION_OFFICER, union_id)}


@unions_bp.post("/<uuid:union_id>/officers")
@needs_duty(ACCOUNTS)
@unions_bp.input(OfficerBody)
@unions_bp.output(AccountChange, 202)
@unions_bp.doc(
    summary="Propose an account for an officer: who handles, approves or audits",
    description=TWO,
)
def add_officer(union_id: UUID, json_data: dict[str, Any]) -> dict[str, Any]:
    duties = tuple(json_data.pop("duties"))
    with unit_of_work() as uow:
        unions.get_union(uow.session, union_id)
        new = access_service.NewStaff(
            **json_data, password=None, role=UNION_OFFICER, scope_id=union_id, duties=duties
        )
        return change_reply(changes.propose_open(uow, new, current().subject_id))


@unions_bp.delete("/<uuid:union_id>/officers/<uuid:officer_id>")
@needs_duty(ACCOUNTS)
@unions_bp.output({}, 204)
@unions_bp.doc(summary="Close an officer's account; its sessions end at once")
def close_officer(union_id: UUID, officer_id: UUID) -> tuple[str, int]:
    with unit_of_work() as uow:
        access_service.close_colleague(uow, current().subject_id, union_id, officer_id)
    return "", 204


@unions_bp.put("/<uuid:union_id>/members/<uuid:member_id>")
@needs_duty(SERVICE)
@unions_bp.input(MembershipBody)
@unions_bp.output({}, 204)
@unions_bp.doc(summary="Say from when and until when a member belongs to a union")
def set_membership(union_id: UUID, member_id: UUID, json_data: dict[str, Any]) -> tuple[str, int]:
    with unit_of_work() as uow:
        unions.set_membership(
            uow, union_id, member_id, json_data["joined_on"], json_data["left_on"]
        )
    return "", 204
