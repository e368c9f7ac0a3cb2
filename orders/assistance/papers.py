"""The yearly sheet of a union's consumption assistance."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from mall.kernel.sheets import making
from orders.assistance import service

HEADS = ("月份", "工会采购（元）", "会员自购（元）", "计入目标（元）", "累计（元）", "目标（元）")


def sheet(session: Session, union_id: UUID, year: int, now: datetime) -> bytes:
    """Return the same as a workbook; amounts in yuan."""
    found = service.progress(session, union_id, year, now)
    rows = [
        [
            f"{year}-{each['month']:02}",
            *(each[n] / 100 for n in ("union_fen", "members_fen", "counted_fen", "cumulative_fen")),
            found["target_fen"] / 100,
        ]
        for each in found["months"]
    ]
    rows.append([f"{found['union_name']} 合计", None, None, found["done_fen"] / 100, None, None])
    return making.xlsx(f"消费帮扶 {year}", HEADS, rows, [22, 16, 16, 16, 16, 16])
