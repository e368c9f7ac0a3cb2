"""Leave notices, list them, mark them read."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from mall.kernel.ids import new_id
from mall.kernel.uow import UnitOfWork
from mall.notification.models import Notice
from mall.notification.rules import NewNotice


def notify(uow: UnitOfWork, notices: Sequence[NewNotice]) -> int:
    """Leave notices; one whose reference its recipient already has is left once. Returns how many."""
    if not notices:
        return 0
    rows = [
        {
            "id": new_id(),
            "audience": each.audience,
            "scope_id": each.scope_id,
            "kind": each.kind,
            "reference": each.reference,
            "text_zh": each.zh,
            "text_en": each.en,
            "created_at": uow.now,
        }
        for each in notices
    ]
    done = uow.session.execute(
        insert(Notice).values(rows).on_conflict_do_nothing().returning(Notice.id)
    )
    return len(done.all())


def list_notices(
    session: Session, audience: str, scope_id: UUID | None, cursor: UUID | None, limit: int
) -> list[Notice]:
    """Return a recipient's notices, newest first, one more than `limit` if there are more."""
    query = (
        select(Notice)
        .where(Notice.audience == audience, Notice.scope_id.is_not_distinct_from(scope_id))
        .order_by(Notice.id.desc())
        .limit(limit + 1)
    )
    if cursor is not None:
        query = query.where(Notice.id < cursor)
    return list(session.scalars(query))


def mark_read(uow: UnitOfWork, audience: str, scope_id: UUID | None, up_to: UUID) -> None:
    """Mark a recipient's notices read, up to and with one; doing it again changes nothing."""
    uow.session.execute(
        update(Notice)
        .where(
            Notice.audience == audience,
            Notice.scope_id.is_not_distinct_from(scope_id),
            Notice.id <= up_to,
            Notice.read_at.is_(None),
        )
        .values(read_at=uow.now)
        .execution_options(synchronize_session=False)
    )
