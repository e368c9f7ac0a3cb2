"""The papers that name people: who was given what, and who signs for it."""

from sqlalchemy.orm import Session

from fulfillment.handover import queries as handover_queries
from fulfillment.handover import rules as handover_rules
from fulfillment.handover.models import HandOut
from fulfillment.reports import rules
from fulfillment.reports.papers import programme_papers
from mall.kernel.clock import BEIJING
from mall.kernel.errors import NotFound
from mall.kernel.paper.document import Cell, Fen, Paper, Table
from mall.kernel.text import wording
from mall.members.rules import mask_phone
from orders.entitlements import queries as entitlement_queries
from orders.entitlements import rules as entitlement_rules
from orders.entitlements.models import Entitlement
from orders.programmes.models import Programme
from orders.programmes.queries import content_of


def issue_list(session: Session, programme: Programme, part: int) -> Paper:
    """Return who was given how much, `MAX_ROWS` to a part."""
    found = _people(session, programme, part)
    rows: list[list[Cell]] = [
        [
            number,
            right.name,
            right.employee_no or "",
            right.department,
            mask_phone(right.phone),
            Fen(right.amount_fen),
            entitlement_rules.STATES.names_zh[right.state],
            right.issued_at.astimezone(BEIJING).strftime("%Y-%m-%d") if right.issued_at else "",
        ]
        for number, right in found
    ]
    issued = sum(right.amount_fen for _, right in found if right.state in entitlement_rules.ISSUED)
    heads = ("序号", "姓名", "工号", "部门", "手机", "金额", "状态", "发放日期")
    widths = (9, 16, 14, 22, 18, 14, 22, 16)
    total: list[Cell] = ["", "已发放合计", "", "", "", Fen(issued), "", ""]
    return Paper(
        _title("issue-list", programme, part),
        programme_papers.head(session, programme),
        [Table(heads, widths, rows, "", total)],
        signatures=["经办人", "审批人"],
        footer=programme_papers.footer(programme),
    )


def hand_out_sheet(session: Session, programme: Programme, part: int) -> Paper:
    """Return the sheet on which everybody signs for what was handed out."""
    people = _people(session, programme, part)
    found = [each for each in people if each[1].state != entitlement_rules.WITHDRAWN]
    recorded = handover_queries.hand_outs_of(session, [right.id for _, right in found])
    titles = {pack["pack_id"]: pack["title"] for pack in content_of(programme)["packs"]}
    only = next(iter(titles.values())) if len(titles) == 1 else ""
    rows: list[list[Cell]] = [
        [
            number,
            right.name,
            right.employee_no or "",
            right.department,
            titles.get(str(right.pack_id), only),
            _signed(recorded.get(right.id)),
            "",
        ]
        for number, right in found
    ]
    heads = ("序号", "姓名", "工号", "部门", "福利包", "签名", "日期")
    return Paper(
        _title("hand-out-sheet", programme, part),
        programme_papers.head(session, programme),
        [Table(heads, (9, 16, 14, 22, 28, 24, 16), rows, is_tall=True)],
        signatures=["发放人", "监督人"],
        footer=programme_papers.footer(programme),
    )


def _signed(found: HandOut | None) -> str:
    """Return what was recorded already; nothing leaves room to sign."""
    if found is None:
        return ""
    name = handover_rules.HAND_OUTS.names_zh[found.state]
    return f"{name} {found.recorded_at.astimezone(BEIJING):%m-%d}"


def _people(session: Session, programme: Programme, part: int) -> list[tuple[int, Entitlement]]:
    first = (part - 1) * rules.MAX_ROWS
    found = entitlement_queries.slice_of(session, programme.id, first, rules.MAX_ROWS)
    if not found and part > 1:
        raise NotFound("part", field="part")
    return list(enumerate(found, start=first + 1))


def _title(name: str, programme: Programme, part: int) -> str:
    parts = max(1, -(-programme.head_count // rules.MAX_ROWS))
    of = f"（第 {part} 部分，共 {parts} 部分）" if parts > 1 else ""
    return f"{wording.name('paper', name).zh}{of}"
