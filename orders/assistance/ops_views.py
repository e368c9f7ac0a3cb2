"""Operators follow the consumption assistance of all unions."""

from typing import Any

from apiflask import APIBlueprint

from mall.kernel.clock import beijing_day, now
from mall.kernel.uow import reading
from mall.web.fields import PageQuery
from orders.assistance import queries, rules
from orders.assistance.schemas import ProgressPage

bp = APIBlueprint("assistance_ops", __name__, url_prefix="/v1/ops/assistance", tag="Operations")


@bp.get("/<int:year>")
@bp.input(PageQuery, location="query")
@bp.output(ProgressPage)
@bp.doc(summary="List targets and progress of a year by union")
def list_progress(year: int, query_data: dict[str, Any]) -> dict[str, Any]:
    limit, on = query_data["limit"], beijing_day(now())
    with reading() as session:
        rows = queries.targets(session, min(year, rules.LAST_YEAR), query_data["cursor"], limit)
        shown = rows[:limit]
        months = queries.months(session, [row.union_id for row in shown], year) if shown else {}
        items = [
            queries.progress(
                row,
                months[row.union_id],
                rules.expected_fen(row.target_fen, row.year, on),
            )
            for row in shown
        ]
    return {
        "items": items,
        "next_cursor": shown[-1].union_id if len(rows) > limit else None,
    }
