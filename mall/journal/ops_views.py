"""Operators who audit read the journal."""

from typing import Any

import orjson
from apiflask import APIBlueprint
from flask import Response

from mall.access.guard import needs_duty
from mall.access.rules import AUDITS
from mall.journal import queries
from mall.journal.queries import NAMES, Filter
from mall.journal.rules import MAX_EXPORT, MAX_SPAN, JournalTooLong
from mall.journal.schemas import FilterQuery, JournalPage, JournalQuery
from mall.kernel import clock
from mall.kernel.sheets import making
from mall.kernel.uow import reading, reading_one_instant
from mall.web.fields import page
from mall.web.files import XLSX, attachment, gives_file

bp = APIBlueprint("journal_ops", __name__, url_prefix="/v1/ops/journal", tag="Operations")
HEADS = (
    "编号",
    "时间 (UTC)",
    "端",
    "账号编号",
    "姓名",
    "操作",
    "请求",
    "对象",
    "提交内容",
    "变更前",
    "变更后",
    "地址",
    "请求编号",
    "结果",
    "链位置",
    "链哈希",
)


@bp.get("")
@needs_duty(AUDITS)
@bp.input(JournalQuery, location="query")
@bp.output(JournalPage)
@bp.doc(
    summary="List what staff did, newest first: who, what, on what, before and after",
    description="Lines are never changed; each is sealed into a chain of hashes within seconds.",
)
def list_lines(query_data: dict[str, Any]) -> dict[str, Any]:
    cursor, limit = query_data.pop("cursor"), query_data.pop("limit")
    with reading() as session:
        found = queries.list_lines(session, Filter(**query_data), cursor, limit)
    return page(found, limit)


@bp.get("/export")
@needs_duty(AUDITS)
@gives_file(XLSX)
@bp.input(FilterQuery, location="query")
@bp.doc(
    summary="Download what staff did as a workbook: 10,000 lines and 92 days at most",
    description="Without `since` the last 31 days. The last row is the newest seal of the chain.",
    responses={422: "Too many lines or days"},
)
def export(query_data: dict[str, Any]) -> Response:
    wanted = Filter(**_with_span(query_data))
    with reading_one_instant() as session:
        found = queries.list_lines(session, wanted, None, MAX_EXPORT)
        position, newest = queries.head(session)
    if len(found) > MAX_EXPORT:
        raise _too_long()
    rows = [[_cell(each[name]) for name in (*NAMES, "position", "hash")] for each in found]
    rows.append(["最新封印", *[""] * 13, position, newest])
    name = f"journal-{clock.now():%Y%m%d-%H%M}.xlsx"
    return attachment(making.xlsx("操作日志", HEADS, rows), XLSX, name)


def _with_span(given: dict[str, Any]) -> dict[str, Any]:
    until = given["until"] or clock.now()
    since = given["since"] or until - MAX_SPAN / 92 * 31
    if until - since > MAX_SPAN:
        raise _too_long()
    return {**given, "since": since}


def _too_long() -> JournalTooLong:
    return JournalTooLong("since", limit=MAX_EXPORT, days=MAX_SPAN.days)


def _cell(value: Any) -> Any:
    if value is None or isinstance(value, (int, str)):
        return value
    if isinstance(value, (dict, list)):
        return orjson.dumps(value, default=str).decode()
    return str(value)
