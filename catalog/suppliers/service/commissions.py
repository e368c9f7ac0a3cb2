"""A commission is set by two persons: it moves value of everything that is sold after it."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from catalog.suppliers import queries, rules
from catalog.suppliers.service import supplying
from mall.approvals.rules import Kind, ProposedAct, Signer
from mall.approvals.service import values
from mall.approvals.service.values import ValueAct
from mall.kernel.clock import beijing_day
from mall.kernel.money import percent
from mall.kernel.uow import UnitOfWork

COMMISSION = "commission"


def propose_commission(
    uow: UnitOfWork, by: Signer, supplier_id: UUID, from_on: date, commission_bps: int
) -> ValueAct:
    """Propose the commission of what a supplier sells from a day on; raises NotFound, NotFromThen."""
    name = queries.get_supplier(uow.session, supplier_id).name
    about = f"自 {from_on} 起“{name}”的平台服务费率为 {percent(commission_bps)} %"
    body = {
        "supplier_id": str(supplier_id),
        "from_on": str(from_on),
        "commission_bps": commission_bps,
    }
    return values.apply_or_propose(
        uow, by, ProposedAct(COMMISSION, body, 0, f"{supplier_id}:{from_on}", about)
    )


def propose_first(
    uow: UnitOfWork, by: Signer, supplier_id: UUID, commission_bps: int
) -> ValueAct | None:
    """Propose another rate than the platform's for who has just been approved; None: it is that.

    It begins on the day after it is confirmed: until then the platform's own holds.
    """
    supplier = queries.get_supplier(uow.session, supplier_id)
    if commission_bps == supplier.commission_bps:
        return None
    about = f"“{supplier.name}”入驻费率：自确认次日起平台服务费率为 {percent(commission_bps)} %"
    body = {
        "supplier_id": str(supplier_id),
        "from_on": None,
        "commission_bps": commission_bps,
    }
    return values.apply_or_propose(
        uow, by, ProposedAct(COMMISSION, body, 0, f"{supplier_id}:first", about)
    )


def proposed_first(session: Session, supplier_id: UUID) -> int | None:
    """Return the first rate that waits for its second person, if one does."""
    found = values.waiting_of(session, COMMISSION, f"{supplier_id}:first")
    return None if found is None else found.body["commission_bps"]


def _begin(uow: UnitOfWork, body: Mapping[str, Any]) -> date:
    given = body["from_on"]
    return date.fromisoformat(given) if given else beijing_day(uow.now) + timedelta(days=1)


def _check(uow: UnitOfWork, body: Mapping[str, Any]) -> None:
    queries.get_supplier(uow.session, UUID(body["supplier_id"]))
    rules.check_from(_begin(uow, body), beijing_day(uow.now))


def _carry_out(uow: UnitOfWork, body: Mapping[str, Any], by: str) -> dict[str, Any]:
    from_on, bps = _begin(uow, body), body["commission_bps"]
    supplying.set_commission(uow, UUID(body["supplier_id"]), from_on, bps, by)
    return {"from_on": from_on, "commission_bps": bps}


KINDS = {
    COMMISSION: Kind("设定平台服务费率", "a commission", _check, _carry_out, is_alone_allowed=False)
}
