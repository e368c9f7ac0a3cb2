"""Tell members what their union gives, and remind those who have not chosen."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import or_, select

from mall.kernel.money import yuan
from mall.kernel.uow import UnitOfWork
from mall.members.service import unions
from mall.notification.service import member_notices
from mall.notification.service.member_notices import MemberNotice
from orders.entitlements import queries as entitlement_queries
from orders.entitlements import service as entitlement_service
from orders.entitlements.models import Entitlement
from orders.messages import EntitlementsIssued
from orders.programmes import queries as programme_queries
from orders.programmes import rules as programme_rules
from orders.programmes.models import Programme

REMIND_AGAIN = timedelta(hours=20)
MAX_REMINDED = 5000
GIFT, REMINDER = "gift", "reminder"


def announce(uow: UnitOfWork, messages: Sequence[EntitlementsIssued]) -> None:
    """Tell the members to whom something was issued; each once for a programme."""
    for message in messages:
        programme = programme_queries.any_programme(uow.session, UUID(message.programme_id))
        query = select(Entitlement.member_id).where(
            Entitlement.programme_id == programme.id,
            Entitlement.position > message.after,
            Entitlement.position <= message.up_to,
            Entitlement.issued_at > datetime.fromisoformat(message.since),
            Entitlement.member_id.is_not(None),
        )
        member_ids = [each for each in uow.session.scalars(query) if each is not None]
        member_notices.tell(uow, member_ids, _gift(uow, programme))


def tell_claimed(uow: UnitOfWork, programme_id: UUID, member_id: UUID) -> None:
    """Tell a member about entitlements that were issued before it signed in."""
    programme = programme_queries.any_programme(uow.session, programme_id)
    member_notices.tell(uow, [member_id], _gift(uow, programme))


def _gift(uow: UnitOfWork, programme: Programme) -> MemberNotice:
    union = unions.get_union(uow.session, programme.union_id)
    amount = yuan(programme.per_member_fen)
    until = str(programme.closes_on)
    if programme.delivery == programme_rules.UNIT:
        zh, en = "将由单位统一发放", "It will be handed out at work"
    elif programme_rules.has_beans(programme.kind, programme.max_items):
        zh = f"{amount} 元福利豆已到账，{programme.expires_on} 前有效"
        en = f"¥{amount} in beans, good until {programme.expires_on}"
    else:
        zh, en = f"请在 {until} 前选择", f"Choose until {until}"
    return MemberNotice(
        GIFT,
        f"{GIFT}:{programme.id}",
        f"{union.name}“{programme.name}”：{zh}。",
        f"{union.name}, “{programme.name}”: {en}.",
        {"thing1": programme.name, "amount2": f"{amount}元", "date3": until},
    )


def remind(uow: UnitOfWork, union_id: UUID, programme_id: UUID) -> dict[str, int]:
    """Remind members who have not chosen, at most once in twenty hours; return how many.

    Five thousand at once; who is no member yet cannot be told.
    """
    programme = programme_queries.programme_of_union(uow.session, union_id, programme_id)
    is_due = or_(
        Entitlement.reminded_at.is_(None), Entitlement.reminded_at <= uow.now - REMIND_AGAIN
    )
    waiting = select(Entitlement).where(
        Entitlement.programme_id == programme.id,
        Entitlement.member_id.is_not(None),
        entitlement_queries.not_chosen(),
        is_due,
    )
    found = uow.session.scalars(
        waiting.order_by(Entitlement.position).limit(MAX_REMINDED).with_for_update()
    ).all()
    until = str(programme.closes_on)
    notice = MemberNotice(
        REMINDER,
        f"{REMINDER}:{programme.id}:{uow.now:%Y%m%d%H}",
        f"“{programme.name}”您还没有选择，请在 {until} 前完成。",
        f"You have not chosen in “{programme.name}” yet; choose until {until}.",
        {"thing1": programme.name, "date3": until},
    )
    member_notices.tell(
        uow, [entitlement.member_id for entitlement in found if entitlement.member_id], notice
    )
    entitlement_service.mark(uow, [each.id for each in found], reminded_at=uow.now)
    return {"reminded": len(found)}
