"""Count what unions and their members bought from assisted suppliers."""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from orders.assistance import rules
from orders.assistance.models import AssistanceTarget
from orders.assistance.rules import Month

# By the month of payment, in Beijing. A member's own purchase counts for every union that it
# belonged to on that day; what the union itself bought counts for the union alone.
_MONTHS = text(
    """
    WITH bought AS (
        SELECT o.union_id, o.member_id, l.amount_fen,
               CAST(o.paid_at AT TIME ZONE 'Asia/Shanghai' AS date) AS paid_on
        FROM shop_order o JOIN order_line l ON l.order_id = o.id
        WHERE l.assistance_id IS NOT NULL AND o.state IN ('paid', 'completed')
          AND o.paid_at >= make_timestamptz(:year, 1, 1, 0, 0, 0, 'Asia/Shanghai')
          AND o.paid_at < make_timestamptz(:year + 1, 1, 1, 0, 0, 0, 'Asia/Shanghai')
    )
    SELECT union_id, CAST(extract(month FROM paid_on) AS int) AS month,
           CAST(sum(union_fen) AS bigint) AS union_fen,
           CAST(sum(members_fen) AS bigint) AS members_fen
    FROM (
        SELECT union_id, paid_on, amount_fen AS union_fen, 0 AS members_fen FROM bought
        WHERE union_id = ANY(:union_ids)
        UNION ALL
        SELECT m.union_id, b.paid_on, 0, b.amount_fen
        FROM bought b JOIN union_membership m ON m.member_id = b.member_id
        WHERE b.union_id IS NULL AND m.union_id = ANY(:union_ids)
          AND m.joined_on <= b.paid_on AND (m.left_on IS NULL OR b.paid_on < m.left_on)
    ) both_kinds
    GROUP BY union_id, month ORDER BY union_id, month
    """
)


def months(session: Session, union_ids: Collection[UUID], year: int) -> dict[UUID, list[Month]]:
    """Return twelve months of each union, in fen of goods, freight apart."""
    found: dict[UUID, dict[int, Month]] = {union_id: {} for union_id in union_ids}
    rows = session.execute(_MONTHS, {"union_ids": list(union_ids), "year": year})
    for row in rows:
        found[row.union_id][row.month] = Month(row.month, row.union_fen, row.members_fen)
    return {
        union_id: [known.get(month, Month(month, 0, 0)) for month in range(1, 13)]
        for union_id, known in found.items()
    }


def target(session: Session, union_id: UUID, year: int) -> AssistanceTarget:
    """Return a union's target of a year; raise NoTarget."""
    found = session.get(AssistanceTarget, (union_id, year))
    if found is None:
        raise rules.NoTarget()
    return found


def targets(session: Session, year: int, after: UUID | None, limit: int) -> list[AssistanceTarget]:
    """Return the targets of a year by union, one more than `limit` if there are more."""
    query = select(AssistanceTarget).where(AssistanceTarget.year == year)
    if after is not None:
        query = query.where(AssistanceTarget.union_id > after)
    return list(session.scalars(query.order_by(AssistanceTarget.union_id).limit(limit + 1)))


def progress(row: AssistanceTarget, found: list[Month], expected: int) -> Mapping[str, Any]:
    """Return a target with what was done towards it, month by month."""
    shown, total = [], 0
    for each in found:
        counted = rules.done_fen([each], row.counts_members)
        total += counted
        shown.append({**vars(each), "counted_fen": counted, "cumulative_fen": total})
    names = ("union_id", "union_name", "year", "target_fen", "budget_fen", "share_bps")
    return {
        **{name: getattr(row, name) for name in names},
        "counts_members": row.counts_members,
        "done_fen": total,
        "expected_fen": expected,
        "missing_fen": max(0, row.target_fen - total),
        "months": shown,
    }
