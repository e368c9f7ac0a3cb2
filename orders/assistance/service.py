"""Set targets of consumption assistance, follow them, remind who falls behind."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from mall.kernel.clock import beijing_day
from mall.kernel.money import yuan
from mall.kernel.uow import UnitOfWork
from mall.members.service import unions
from mall.notification.rules import NewNotice
from mall.notification.service import staff_notices
from orders.assistance import queries, rules
from orders.assistance.models import AssistanceTarget
from orders.assistance.rules import TargetForm

BATCH = 500


def set_target(uow: UnitOfWork, union_id: UUID, year: int, form: TargetForm) -> None:
    """Set a union's target of a year; setting it again replaces it. Raises Invalid and NotFound."""
    union = unions.get_union(uow.session, union_id)
    row = uow.session.get(AssistanceTarget, (union_id, year), with_for_update=True)
    if row is None:
        row = AssistanceTarget(union_id=union_id, year=year)
        uow.session.add(row)
    row.union_name, row.target_fen = union.name, form.amount_fen()
    row.budget_fen, row.share_bps = form.budget_fen, form.share_bps
    row.counts_members, row.updated_at = form.counts_members, uow.now
    uow.session.flush()


def progress(session: Session, union_id: UUID, year: int, now: datetime) -> dict[str, Any]:
    """Return a union's target of a year and how far it is, month by month; raise NoTarget."""
    row = queries.target(session, union_id, year)
    months = queries.months(session, [union_id], year)[union_id]
    expected = rules.expected_fen(row.target_fen, year, beijing_day(now))
    return dict(queries.progress(row, months, expected))


def remind(uow: UnitOfWork) -> int:
    """Remind unions that are behind their target, each once a month; return how many were."""
    on, told, after = beijing_day(uow.now), 0, None
    while True:
        rows = queries.targets(uow.session, on.year, after, BATCH)
        shown = rows[:BATCH]
        ids = [row.union_id for row in shown]
        months = queries.months(uow.session, ids, on.year) if ids else {}
        told += staff_notices.notify(
            uow,
            [
                _reminder(row, rules.done_fen(months[row.union_id], row.counts_members), on)
                for row in shown
                if rules.is_behind(
                    row.target_fen,
                    row.year,
                    on,
                    rules.done_fen(months[row.union_id], row.counts_members),
                )
            ],
        )
        if len(rows) <= BATCH:
            return told
        after = shown[-1].union_id


def _reminder(row: AssistanceTarget, done: int, on: date) -> NewNotice:
    expected = rules.expected_fen(row.target_fen, row.year, on)
    done_yuan, expected_yuan = yuan(done), yuan(expected)
    return NewNotice(
        "union",
        row.union_id,
        "assistance_behind",
        f"assistance:{row.union_id}:{on:%Y-%m}",
        f"{row.year} 年消费帮扶已完成 {done_yuan} 元，按进度应为 {expected_yuan} 元，请抓紧采购。",
        f"Consumption assistance {row.year}: ¥{done_yuan} done, ¥{expected_yuan} expected by now.",
    )
