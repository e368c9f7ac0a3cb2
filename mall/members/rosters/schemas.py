"""Rosters on the wire."""

from apiflask.fields import UUID, Boolean, DateTime, Dict, Integer, List, String
from apiflask.validators import Range

from mall.web.fields import (
    DEFAULT_PAGE,
    MAX_PAGE,
    Day,
    Items,
    Schema,
    a_uuid,
    code_text,
    short_text,
)


class RosterBody(Schema):
    name = short_text(60, required=True, metadata={"example": "2027 年春节慰问名册"})


class SheetQuery(Schema):
    name = short_text(
        200,
        load_default="名册",
        metadata={"description": "The file's name", "example": "名册.xlsx"},
    )


class ApplyRosterBody(Schema):
    skips_wrong = Boolean(
        load_default=False, metadata={"description": "Apply the rows that are right"}
    )


class RosterItem(Schema):
    id = UUID(metadata={"example": str(a_uuid())})
    name = String(metadata={"example": "2027 年春节慰问名册"})
    state = String(metadata={"example": "ready"})
    file_name = String(allow_none=True, metadata={"example": "名册.xlsx"})
    total_rows = Integer(metadata={"example": 4000})
    wrong_rows = Integer(metadata={"example": 3})
    entry_count = Integer(metadata={"description": "People in it", "example": 3997})
    changes = Dict(
        allow_none=True,
        metadata={
            "description": "What the last sheet did",
            "example": {"added": 3997, "changed": 0, "removed": 0},
        },
    )
    problem = Dict(allow_none=True, metadata={"description": "Why the whole sheet was refused"})
    created_at = DateTime()
    applied_at = DateTime(allow_none=True)


class RosterReply(RosterItem):
    claimed_count = Integer(metadata={"description": "Members already", "example": 3120})


class RosterPage(Schema):
    items = Items(RosterItem)
    next_cursor = UUID(allow_none=True)


class RosterRowReply(Schema):
    number = Integer(metadata={"description": "Row of the sheet", "example": 17})
    name = String(metadata={"example": "陈*"})
    problems = List(String(), metadata={"example": ["B17：“1380000”不是 11 位手机号"]})
    warnings = List(String())


class RosterRowList(Schema):
    items = Items(RosterRowReply)


class EntryQuery(Schema):
    after = Integer(load_default=0, validate=Range(0, 1_000_000))
    limit = Integer(load_default=DEFAULT_PAGE, validate=Range(1, MAX_PAGE))
    only_unclaimed = Boolean(load_default=False)


class EntryReply(Schema):
    id = UUID(metadata={"example": str(a_uuid())})
    position = Integer(metadata={"example": 2})
    name = String(metadata={"example": "陈小湛"})
    phone = String(allow_none=True, metadata={"description": "Masked", "example": "138****0001"})
    employee_no = String(allow_none=True, metadata={"example": "00127"})
    department = String(metadata={"example": "儿科"})
    born_on = Day(allow_none=True)
    is_claimed = Boolean(metadata={"description": "A member already"})


class EntryPage(Schema):
    items = Items(EntryReply)
    next_after = Integer(allow_none=True)


class EmploymentBody(Schema):
    union_code = code_text(32, required=True, metadata={"example": "440800-017"})
    employee_no = code_text(32, required=True, metadata={"example": "00127"})
    name = short_text(50, required=True, metadata={"example": "陈小湛"})


class ClaimedReply(Schema):
    claimed = Integer(metadata={"description": "Roster entries that became yours", "example": 1})
