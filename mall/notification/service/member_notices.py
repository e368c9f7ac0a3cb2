"""Tell members something: in the app, and through WeChat where they subscribed to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text

from mall.access.rules import STORE
from mall.kernel.ids import new_id
from mall.kernel.together import document
from mall.kernel.uow import UnitOfWork

# WeChat refuses a longer `thing`.
MAX_THING = 20


@dataclass(frozen=True)
class MemberNotice:
    """What many members are told alike; each of them once for the reference.

    `data` fills the WeChat template of this kind.
    """

    kind: str
    reference: str
    zh: str
    en: str
    data: dict[str, str]


_TELL = text(
    """
    WITH told AS (
        INSERT INTO notice (id, audience, scope_id, kind, reference, text_zh, text_en, created_at)
        SELECT g.id, :audience, g.member_id, :kind, :reference, :zh, :en, :now
        FROM unnest(CAST(:ids AS uuid[]), CAST(:member_ids AS uuid[])) AS g(id, member_id)
        ON CONFLICT DO NOTHING
        RETURNING id, scope_id
    )
    INSERT INTO wechat_message (id, member_id, kind, data, state, attempts, due_at, created_at)
    SELECT t.id, t.scope_id, :kind, CAST(:data AS jsonb), 'pending', 0, :now, :now FROM told t
    """
)


def tell(uow: UnitOfWork, member_ids: Sequence[UUID], notice: MemberNotice) -> None:
    """Leave a notice with members and queue its WeChat message; telling again changes nothing."""
    if not member_ids:
        return
    data = {
        name: {"value": value[:MAX_THING] if name.startswith("thing") else value}
        for name, value in notice.data.items()
    }
    uow.session.execute(
        _TELL,
        {
            "ids": [new_id() for _ in member_ids],
            "member_ids": list(member_ids),
            "audience": STORE,
            "kind": notice.kind,
            "reference": notice.reference,
            "zh": notice.zh,
            "en": notice.en,
            "data": document(data),
            "now": uow.now,
        },
    )
