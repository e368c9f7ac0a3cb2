"""Operators are told of proposals that wait for a second person."""

from mall.access.rules import OPS
from mall.approvals.models import ValueAct
from mall.approvals.rules import Kind
from mall.kernel.uow import UnitOfWork
from mall.notification.rules import NewNotice
from mall.notification.service import staff_notices


def tell(uow: UnitOfWork, act: ValueAct, kind: Kind) -> None:
    """Tell operators that something was proposed, by whom, and until when it waits."""
    until = f"{act.ends_at:%Y-%m-%d}"
    zh = f"{act.proposer_name}提交了“{kind.zh}”，请另一人于 {until} 前确认：{act.about}"
    en = f"{act.proposer_name} proposes {kind.en}; another person confirms it by {until}: {act.about}"
    staff_notices.notify(uow, [NewNotice(OPS, None, "value_proposed", f"value:{act.id}", zh, en)])
