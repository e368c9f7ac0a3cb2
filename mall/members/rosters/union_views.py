"""Union officers keep the rosters of their union."""

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from flask import Response

from mall.access.guard import current, current_scope_id, needs_duty
from mall.access.rules import HANDLES
from mall.approvals.rules import ROSTER, Subject
from mall.approvals.service import authors
from mall.kernel.sheets import making
from mall.kernel.uow import UnitOfWork, reading, unit_of_work
from mall.members.rosters import queries, rules
from mall.members.rosters.models import Roster, RosterEntry
from mall.members.rosters.schemas import (
    ApplyRosterBody,
    EntryPage,
    EntryQuery,
    RosterBody,
    RosterPage,
    RosterReply,
    RosterRowList,
    SheetQuery,
)
from mall.members.rosters.service import keeping
from mall.members.rules import mask_name, mask_phone
from mall.web.fields import PageQuery, page
from mall.web.files import CSV, XLSX, attachment, gives_file, sent_file, takes_file

bp = APIBlueprint("rosters", __name__, url_prefix="/v1/union/rosters", tag="Union")
_NAMES = ("id", "name", "state", "file_name", "total_rows", "wrong_rows", "entry_count")
_MORE = ("changes", "problem", "created_at", "applied_at")
_EXAMPLES = (
    ("陈小湛", "13800000001", "00127", "儿科", "1990-08-15"),
    ("林雷州", "", "00128", "护理部", ""),
)
MAX_SHOWN = 500


def _item(roster: Roster) -> dict[str, Any]:
    return {name: getattr(roster, name) for name in (*_NAMES, *_MORE)}


def _read(roster_id: UUID) -> dict[str, Any]:
    with reading() as session:
        roster = queries.own_roster(session, current_scope_id(), roster_id)
        return {**_item(roster), "claimed_count": queries.count_claimed(session, roster_id)}


def _sign(uow: UnitOfWork, roster_id: UUID) -> None:
    """Write down who touched a roster: a programme that freezes it has this author."""
    authors.touch(uow, Subject(ROSTER, roster_id), authors.signer(uow, current()))


@bp.get("")
@bp.input(PageQuery, location="query")
@bp.output(RosterPage)
@bp.doc(summary="List one's own rosters, newest first")
def list_rosters(query_data: dict[str, Any]) -> dict[str, Any]:
    limit = query_data["limit"]
    with reading() as session:
        found = queries.list_rosters(session, current_scope_id(), query_data["cursor"], limit)
        return page(found, limit, _item)


@bp.post("")
@needs_duty(HANDLES)
@bp.input(RosterBody)
@bp.output(RosterReply, 201)
@bp.doc(summary="Open an empty roster")
def open_roster(json_data: dict[str, str]) -> dict[str, Any]:
    with unit_of_work() as uow:
        roster_id = keeping.open_roster(uow, current_scope_id(), json_data["name"]).id
        _sign(uow, roster_id)
    return _read(roster_id)


@bp.get("/template.xlsx")
@gives_file(XLSX)
@bp.doc(summary="Download the roster sheet: name, phone, employee number, department, birthday")
def read_template() -> Response:
    heads = [aliases[0] for aliases in rules.HEADS.values()]
    content = making.xlsx("名册", heads, _EXAMPLES, [14, 16, 14, 20, 14])
    return attachment(content, XLSX, "名册模板.xlsx")


@bp.get("/<uuid:roster_id>")
@bp.output(RosterReply)
@bp.doc(summary="Read a roster and how far its last sheet is")
def read_roster(roster_id: UUID) -> dict[str, Any]:
    return _read(roster_id)


@bp.post("/<uuid:roster_id>/sheet")
@needs_duty(HANDLES)
@takes_file(XLSX, CSV)
@bp.input(SheetQuery, location="query")
@bp.output(RosterReply, 202)
@bp.doc(
    summary="Send the roster's sheet: the file as the body; a worker applies it within seconds",
    description=(
        "xlsx, or csv in UTF-8 or GB18030; up to 20 MB and 60,000 rows. The sheet is the roster: "
        "who is not in it becomes inactive. With wrong rows it waits for `apply`."
    ),
)
def send_sheet(roster_id: UUID, query_data: dict[str, str]) -> dict[str, Any]:
    content = sent_file(keeping.LIMITS.bytes)
    with unit_of_work() as uow:
        keeping.receive(uow, current_scope_id(), roster_id, query_data["name"], content)
        _sign(uow, roster_id)
    return _read(roster_id)


@bp.post("/<uuid:roster_id>/apply")
@needs_duty(HANDLES)
@bp.input(ApplyRosterBody)
@bp.output(RosterReply, 202)
@bp.doc(summary="Apply the rows that are right; repeating changes nothing")
def apply(roster_id: UUID, json_data: dict[str, Any]) -> dict[str, Any]:
    with unit_of_work() as uow:
        keeping.begin_applying(uow, current_scope_id(), roster_id, json_data["skips_wrong"])
        _sign(uow, roster_id)
    return _read(roster_id)


@bp.get("/<uuid:roster_id>/notes")
@bp.output(RosterRowList)
@bp.doc(summary="List the rows of the last sheet that are wrong or doubtful (500 at most)")
def list_notes(roster_id: UUID) -> dict[str, Any]:
    with reading() as session:
        queries.own_roster(session, current_scope_id(), roster_id)
        found = queries.rows_with_notes(session, roster_id, MAX_SHOWN)
        return {
            "items": [
                {
                    "number": row.number,
                    "name": mask_name(row.name),
                    "problems": row.problems,
                    "warnings": row.warnings,
                }
                for row in found
            ]
        }


@bp.get("/<uuid:roster_id>/report.xlsx")
@gives_file(XLSX)
@bp.doc(summary="Download every row of the last sheet that is wrong or doubtful, with the reason")
def read_report(roster_id: UUID) -> Response:
    with reading() as session:
        roster = queries.own_roster(session, current_scope_id(), roster_id)
        rows = [
            (
                row.number,
                row.name,
                row.phone or "",
                row.employee_no or "",
                "；".join(row.problems),
                "；".join(row.warnings),
            )
            for row in queries.rows_with_notes(session, roster.id)
        ]
    heads = ("行", "姓名", "手机号", "工号", "错误", "提醒")
    content = making.xlsx("名册检查", heads, rows, [8, 14, 16, 14, 60, 60])
    return attachment(content, XLSX, f"{roster.name}-检查.xlsx")


def _entry(row: RosterEntry) -> dict[str, Any]:
    names = ("id", "position", "name", "employee_no", "department", "born_on")
    return {
        **{name: getattr(row, name) for name in names},
        "phone": mask_phone(row.phone),
        "is_claimed": row.member_id is not None,
    }


@bp.get("/<uuid:roster_id>/entries")
@bp.input(EntryQuery, location="query")
@bp.output(EntryPage)
@bp.doc(summary="List the people of a roster in the order of its sheet; phones masked")
def list_entries(roster_id: UUID, query_data: dict[str, Any]) -> dict[str, Any]:
    with reading() as session:
        queries.own_roster(session, current_scope_id(), roster_id)
        found = queries.entries(session, roster_id, **query_data)
        shown = [_entry(row) for row in found[: query_data["limit"]]]
    more = len(found) > query_data["limit"]
    return {"items": shown, "next_after": shown[-1]["position"] if more else None}
